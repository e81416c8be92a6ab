#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "headrace/base/atomic.hpp"
#include "headrace/base/hash.hpp"
#include "headrace/event/event_description.hpp"

namespace headrace {

/// A type whose HEADRACE_EVENT description is visible.
template <class T>
concept DescribedEvent = requires {
  headrace_describe_event(static_cast<const T*>(nullptr));
};

/// What may be published: any object type that can be moved and destroyed without throwing. No base class.
template <class T>
concept Event = std::is_object_v<T> && !std::is_const_v<T> && std::is_nothrow_move_constructible_v<T> &&
                std::is_nothrow_destructible_v<T>;

template <DescribedEvent T>
inline constexpr auto kEventDescription = headrace_describe_event(static_cast<const T*>(nullptr));

namespace event_detail {

/// The type's name as the compiler spells it: the topic of events that nobody described.
template <class T>
constexpr std::string_view type_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
  return text.substr(0, text.find_first_of(";]"));
}

std::uint32_t next_event_type() noexcept;

}  // namespace event_detail

/// An event that travels together with its EventMeta (event_meta.hpp): what is said of it is said of the event
/// inside.
template <class T>
concept CarriesMeta = requires {
  typename T::MetaPayload;
};

/// An event whose sender waits for its outcome, and brings it again if it was not handled: a broker's message, an
/// event of a durable topic. Its type says what is to be done when
/// - unhandled(): a delivery has ended without a handler, because the bus stopped or its subscription ended;
/// - dead_lettered(): a dead letter has taken its place;
/// - done_before(): a delivery has dropped it as a copy of one that it had done. While that one is in progress a copy
///   waits, whatever WhenInProgress says: what its sender is to hear is not known yet.
/// for_letter() makes what such a letter keeps: the event without its tie to the sender.
/// Handled, failed without a dead letter store, or dropped by a policy: then the event is just destroyed.
template <class T>
concept AnsweredEvent = requires(const T& event) {
  { event.unhandled() }
  noexcept;
  { event.dead_lettered() }
  noexcept;
  { event.done_before() }
  noexcept;
  event.for_letter();
};

/// The topic of a typed event: as described, else the type's own name.
template <class T>
constexpr std::string_view event_topic() {
  if constexpr (CarriesMeta<T>) {
    return event_topic<typename T::MetaPayload>();
  } else if constexpr (DescribedEvent<T>) {
    return kEventDescription<T>.topic;
  } else {
    return event_detail::type_name<T>();
  }
}

template <class T>
constexpr std::uint32_t event_version() {
  if constexpr (CarriesMeta<T>) {
    return event_version<typename T::MetaPayload>();
  } else if constexpr (DescribedEvent<T>) {
    return kEventDescription<T>.version;
  } else {
    return 1;
  }
}

template <class T>
constexpr bool has_event_key() {
  if constexpr (CarriesMeta<T>) {
    return has_event_key<typename T::MetaPayload>();
  } else if constexpr (DescribedEvent<T>) {
    return !std::is_null_pointer_v<decltype(kEventDescription<T>.key)>;
  } else {
    return false;
  }
}

/// Spreads any key over 64 bits. Equal keys hash equally within one run of a program.
template <class Key>
[[nodiscard]] std::uint64_t hash_key(const Key& key) noexcept {
  if constexpr (std::is_integral_v<Key> || std::is_enum_v<Key>) {
    return mix64(static_cast<std::uint64_t>(key));
  } else if constexpr (std::convertible_to<const Key&, std::string_view>) {
    return hash_bytes(std::string_view(key));
  } else {
    return mix64(std::hash<Key>{}(key));
  }
}

/// A type whose program hashes its key itself: `std::uint64_t headrace_key_hash(const T&) noexcept`, in the type's own
/// namespace. The bus knows a key by this number and by nothing else: equal keys must have equal ones, within one run,
/// and what two keys share they share in all: shard, order, waiting behind each other, conflation.
template <class T>
concept HashesItsKey = requires(const T& event) {
  headrace_key_hash(event);
};

/// The hash of the member named by key(...), by the program's own function where there is one; 0 for events without a
/// key.
template <class T>
[[nodiscard]] std::uint64_t event_key_hash(const T& event) noexcept {
  if constexpr (CarriesMeta<T>) {
    return event_key_hash(event.event);
  } else if constexpr (HashesItsKey<T>) {
    static_assert(has_event_key<T>(), "an event whose key is hashed names it: key(member)");
    static_assert(noexcept(headrace_key_hash(event)), "headrace_key_hash must be noexcept");
    static_assert(std::is_same_v<decltype(headrace_key_hash(event)), std::uint64_t>);
    return headrace_key_hash(event);
  } else if constexpr (has_event_key<T>()) {
    return hash_key(event.*(kEventDescription<T>.key));
  } else {
    return 0;
  }
}

/// A key as text, for what leaves memory: text as it is, numbers in decimal, ids as they are written. Keys of other
/// types have none.
template <class Key>
[[nodiscard]] std::string key_text(const Key& key) {
  if constexpr (std::is_enum_v<Key>) {
    return std::to_string(static_cast<std::underlying_type_t<Key>>(key));
  } else if constexpr (std::is_integral_v<Key>) {
    return std::to_string(key);
  } else if constexpr (std::convertible_to<const Key&, std::string_view>) {
    return std::string(std::string_view(key));
  } else if constexpr (requires {
                         { key.to_string() } -> std::same_as<std::string>;
                       }) {
    return key.to_string();
  } else {
    return {};
  }
}

/// Empty for events without a key.
template <class T>
[[nodiscard]] std::string event_key_text(const T& event) {
  if constexpr (CarriesMeta<T>) {
    return event_key_text(event.event);
  } else if constexpr (has_event_key<T>()) {
    return key_text(event.*(kEventDescription<T>.key));
  } else {
    return {};
  }
}

/// A small dense number for each event type of this process, given out at first use.
using EventTypeId = std::uint32_t;
inline constexpr EventTypeId kAnyEventType = 0;

namespace event_detail {
template <class T>
inline Atomic<EventTypeId> known_type_id{kAnyEventType};
}  // namespace event_detail

template <class T>
[[nodiscard]] EventTypeId event_type_id() noexcept {
  static const EventTypeId id = [] {
    const EventTypeId given = event_detail::next_event_type();
    event_detail::known_type_id<T>.store(given, std::memory_order_relaxed);  // no partner: orders nothing
    return given;
  }();
  return id;
}
/// The same, or kAnyEventType until it was asked for on some thread: one load, for paths on which events stream.
template <class T>
[[nodiscard]] EventTypeId event_type_id_if_known() noexcept {
  return event_detail::known_type_id<T>.load(std::memory_order_relaxed);  // no partner: orders nothing
}

struct EventOps;

/// The same of an AnsweredEvent, for the untyped parts of the bus.
struct AnswerOps {
  void (*unhandled)(const void* event) noexcept;
  void (*dead_lettered)(const void* event) noexcept;
  void (*done_before)(const void* event) noexcept;
  const EventOps& (*letter_ops)() noexcept;             ///< of what for_letter() makes
  void (*make_letter)(const void* event, void* place);  ///< for_letter(), built there
};

/// The few things the untyped parts of the bus must do to an event.
struct EventOps {
  EventTypeId type;
  std::uint32_t size;
  std::uint32_t align;
  bool trivially_copyable;
  bool has_key;
  void (*destroy)(void* events, std::size_t count) noexcept;
  void (*move)(void* to, void* from) noexcept;  ///< move-constructs one event; the source stays to be destroyed
  std::uint64_t (*key_hash)(const void* event) noexcept;
  std::string (*key_text)(const void* event);
  std::uint32_t version;
  const EventOps* payload;       ///< of the event inside, where meta travels with it; else these
  std::uint32_t payload_offset;  ///< where it stands; 0: there is no meta
  const AnswerOps* answers;      ///< null: nobody waits for the event's outcome
  std::string_view name;         ///< event_topic() of the type: what it is called outside of this process
};

template <Event T>
[[nodiscard]] const EventOps& event_ops() noexcept;

namespace event_detail {

template <class T>
const EventOps* payload_ops(const EventOps& own) noexcept {
  if constexpr (CarriesMeta<T>) {
    return &event_ops<typename T::MetaPayload>();
  } else {
    return &own;
  }
}
template <class T>
constexpr std::uint32_t payload_offset() noexcept {
  if constexpr (CarriesMeta<T>) {
    return T::kPayloadOffset;
  } else {
    return 0;
  }
}
template <class T>
const AnswerOps* answer_ops() noexcept {
  if constexpr (AnsweredEvent<T>) {
    using Letter = decltype(std::declval<const T&>().for_letter());
    static const AnswerOps ops{
        [](const void* event) noexcept { static_cast<const T*>(event)->unhandled(); },
        [](const void* event) noexcept { static_cast<const T*>(event)->dead_lettered(); },
        [](const void* event) noexcept { static_cast<const T*>(event)->done_before(); },
        &event_ops<Letter>,
        [](const void* event, void* place) { ::new (place) Letter(static_cast<const T*>(event)->for_letter()); },
    };
    return &ops;
  } else {
    return nullptr;
  }
}

}  // namespace event_detail

template <Event T>
const EventOps& event_ops() noexcept {
  static const EventOps ops{
      event_type_id<T>(),
      static_cast<std::uint32_t>(sizeof(T)),
      static_cast<std::uint32_t>(alignof(T)),
      std::is_trivially_copyable_v<T>,
      has_event_key<T>(),
      [](void* events, std::size_t count) noexcept { std::destroy_n(static_cast<T*>(events), count); },
      [](void* to, void* from) noexcept {
        std::construct_at(static_cast<T*>(to), std::move(*static_cast<T*>(from)));
      },
      [](const void* event) noexcept { return event_key_hash(*static_cast<const T*>(event)); },
      [](const void* event) { return event_key_text(*static_cast<const T*>(event)); },
      event_version<T>(),
      event_detail::payload_ops<T>(ops),
      event_detail::payload_offset<T>(),
      event_detail::answer_ops<T>(),
      event_topic<T>(),
  };
  return ops;
}

}  // namespace headrace
