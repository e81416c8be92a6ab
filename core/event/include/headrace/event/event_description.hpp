#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "headrace/event/macro_map.hpp"

namespace headrace {

/// One described member of an event type.
template <class Event, class Value>
struct EventField {
  using value_type = Value;
  std::string_view name;
  Value Event::*member;
};

/// What HEADRACE_EVENT says about an event type.
template <class Event, class KeyMember, class Fields>
struct EventDescription {
  std::string_view topic;
  std::uint32_t version;
  KeyMember key;  ///< a member pointer, or nullptr_t: events without a key
  Fields fields;  ///< a tuple of EventField
};

namespace event_detail {

struct Version {
  std::uint32_t number;
};

template <class Member>
struct Key {
  Member member;
};

template <class Event, class Value>
constexpr EventField<Event, Value> field(std::string_view name, Value Event::*member) {
  return {name, member};
}

// Each item of the macro is a version, a key or a field; the three overload sets below pick their own.
template <class Item>
constexpr std::tuple<> fields_of(Item) {
  return {};
}
template <class Event, class Value>
constexpr std::tuple<EventField<Event, Value>> fields_of(EventField<Event, Value> item) {
  return {item};
}

constexpr std::uint32_t version_of() { return 1; }
template <class First, class... Rest>
constexpr std::uint32_t version_of(First first, Rest... rest) {
  if constexpr (requires { first.number; }) {
    return first.number;
  } else {
    return version_of(rest...);
  }
}

constexpr std::nullptr_t key_of() { return nullptr; }
template <class First, class... Rest>
constexpr auto key_of(First first, Rest... rest) {
  if constexpr (
      requires { first.member; } && !requires { first.name; }) {
    return first.member;
  } else {
    return key_of(rest...);
  }
}

template <class Event, class... Items>
constexpr auto describe(std::string_view topic, Items... items) {
  const auto key = key_of(items...);
  const auto fields = std::tuple_cat(fields_of(items)...);
  return EventDescription<Event, std::remove_const_t<decltype(key)>, std::remove_const_t<decltype(fields)>>{
      topic, version_of(items...), key, fields};
}

}  // namespace event_detail
}  // namespace headrace

/// HEADRACE_EVENT(Type, "topic.name", version(2), key(customer), order, customer, total_cents)
///
/// Describes an event type once, beside it, at namespace scope. version(...) and key(...) may be left out (1,
/// none) and stand anywhere in the list; every other item is a data member. The description is found by
/// argument-dependent lookup, so the type may live in any namespace.
#define HEADRACE_EVENT(Type, topic, ...)                                          \
  [[maybe_unused]] constexpr auto headrace_describe_event(const Type*) noexcept { \
    using HeadraceEvent = Type;                                                   \
    return ::headrace::event_detail::describe<HeadraceEvent>(                     \
        topic __VA_OPT__(, HEADRACE_MAP(HEADRACE_EVENT_ITEM, ~, __VA_ARGS__)));   \
  }

// version(n) and key(m) expand to two arguments before the field, a plain member to one; the second one is taken.
#define HEADRACE_EVENT_ITEM(unused, item) \
  HEADRACE_EVENT_SECOND(HEADRACE_EVENT_IS_##item, HEADRACE_EVENT_FIELD(item), ~)
#define HEADRACE_EVENT_SECOND(...) HEADRACE_EVENT_SECOND_OF(__VA_ARGS__)
#define HEADRACE_EVENT_SECOND_OF(first, second, ...) second
#define HEADRACE_EVENT_FIELD(item) ::headrace::event_detail::field(#item, &HeadraceEvent::item)
#define HEADRACE_EVENT_IS_version(number) \
  ~, ::headrace::event_detail::Version { number }
#define HEADRACE_EVENT_IS_key(member) \
  ~, ::headrace::event_detail::Key<decltype(&HeadraceEvent::member)> { &HeadraceEvent::member }
