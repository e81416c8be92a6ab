#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "headrace/base/result.hpp"
#include "headrace/event/event_meta.hpp"
#include "headrace/event/held_event.hpp"
#include "headrace/port/codec.hpp"
#include "headrace/port/dead_letter.hpp"

namespace headrace {

/// The event types that a program can turn into bytes and back where it knows them only at run time: for dead
/// letters that outlive the process, and for recordings. Old versions come in through the upcasters.
///
///     auto types = std::make_shared<hr::EventTypes>(std::make_shared<hr::wire::JsonCodec>());
///     types->add<OrderPlaced>();
///     types->add<PaymentTaken>();
///
/// Threads:   add, also_reads and the constructor at start-up; afterwards everything from any thread.
/// Errors:    a type that is not added, another content type, a body that is damaged or of a newer version than
///            known: no retry helps.
class EventTypes {
 public:
  /// `codec` writes, and reads what it wrote.
  explicit EventTypes(std::shared_ptr<const Codec> codec, Upcasters upcasters = {});

  /// Bodies of other content types, that another codec wrote once.
  void also_reads(std::shared_ptr<const Codec> codec) { codecs_.add(std::move(codec)); }
  /// Throws ConfigError for two types that are described with one topic, which names the type; and for upcasters that do
  /// not lead to the type's version: a step that lacks, one that leads beyond (Upcasters::check_topic).
  template <DescribedEvent T>
  requires Event<T>
  void add() {
    add({.type = event_type_id<T>(),
         .name = event_topic<T>(),
         .version = event_version<T>(),
         .fields = [](const void* event) { return to_fields(*static_cast<const T*>(event)); },
         .make = &make_event<T>});
  }

  /// The topic of the type's description: what a type is called where the process's own numbers mean nothing.
  [[nodiscard]] Result<std::string_view> name_of(EventTypeId type) const;
  [[nodiscard]] Result<EventTypeId> find(std::string_view name) const;
  /// The version of the type's description: the newest that can be read.
  [[nodiscard]] Result<std::uint32_t> version_of(EventTypeId type) const;

  /// `event` is one of the type, without its meta.
  [[nodiscard]] Result<EncodedBody> encode(EventTypeId type, const void* event) const;
  [[nodiscard]] Result<FieldValue> fields(EventTypeId type, const void* event) const;
  /// The fields of a body of that version, as the present version has them.
  [[nodiscard]] Result<FieldValue> fields(EventTypeId type, std::uint32_t version, const EncodedBody& body) const {
    return fields(type, version, body.content_type, body.bytes);
  }
  [[nodiscard]] Result<FieldValue> fields(EventTypeId type, std::uint32_t version, std::string_view content_type,
                                          std::span<const std::byte> body) const;
  /// An event of these fields; with its meta, if that says anything.
  [[nodiscard]] Result<HeldEvent> make(EventTypeId type, const FieldValue& fields,
                                       const EventMeta& meta = {}) const;

  /// An event as it is stored and sent, of the present version: see encode_event().
  template <DescribedEvent T>
  [[nodiscard]] Result<EncodedEvent> encode(const T& event, Envelope envelope = {}) const {
    return encode_event(*codec_, event, std::move(envelope));
  }
  /// And back, from any version that steps lead from, under whatever topic it came.
  template <DescribedEvent T>
  requires Event<T>
  [[nodiscard]] Result<T> decode(const EncodedEvent& event) const {
    const auto found = fields(event_type_id<T>(), event.envelope.version, event.content_type, event.body);
    return found ? from_fields<T>(*found) : Result<T>(found.error());
  }

 private:
  struct Type {
    EventTypeId type;
    std::string_view name;
    std::uint32_t version;
    FieldValue (*fields)(const void* event);
    Result<HeldEvent> (*make)(const FieldValue& fields, const EventMeta& meta);
  };

  template <class T>
  static Result<HeldEvent> make_event(const FieldValue& fields, const EventMeta& meta) {
    Result<T> event = from_fields<T>(fields);
    if (!event) return event.error();
    const bool says_nothing =
        meta.id.is_none() && meta.correlation.is_none() && meta.causation.is_none() && meta.expires_ns == 0;
    if (says_nothing) return HeldEvent::of(std::move(*event));
    return HeldEvent::of(WithMeta<T>{meta, std::move(*event)});
  }
  void add(const Type& type);
  [[nodiscard]] Result<const Type*> known(EventTypeId type) const;

  std::shared_ptr<const Codec> codec_;
  Codecs codecs_;
  Upcasters upcasters_;
  std::map<EventTypeId, Type> types_;
};

}  // namespace headrace
