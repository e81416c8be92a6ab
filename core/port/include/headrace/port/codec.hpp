#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/event/event_fields.hpp"
#include "headrace/event/field_value.hpp"
#include "headrace/event/upcaster.hpp"

namespace headrace {

/// Turns fields into bytes and back. encode_event() and decode_event() below are what programs call.
/// Threads:   every function from any thread.
/// Errors:    never a retry: the same bytes fail again. `where` says at which field or byte.
class Codec {
 public:
  virtual ~Codec() = default;

  /// A media type without parameters: application/json.
  [[nodiscard]] virtual std::string_view content_type() const noexcept = 0;
  [[nodiscard]] virtual Result<std::vector<std::byte>> encode(const FieldValue& fields) const = 0;
  [[nodiscard]] virtual Result<FieldValue> decode(std::span<const std::byte> body) const = 0;
};

/// The media type of `application/json; charset=utf-8`, without what follows it.
[[nodiscard]] constexpr std::string_view media_type(std::string_view content_type) noexcept {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return type;
}

/// The codecs that a program knows, by content type.
class Codecs {
 public:
  void add(std::shared_ptr<const Codec> codec) { codecs_.push_back(std::move(codec)); }
  /// nullptr when none is known. Media types are compared without their parameters and in any case.
  [[nodiscard]] const Codec* find(std::string_view content_type) const noexcept;

 private:
  std::vector<std::shared_ptr<const Codec>> codecs_;
};

/// Encodes a described event. Of the envelope, the version is the type's; an empty topic and key, and an id that
/// is none, are filled in; the rest stays as given.
template <DescribedEvent T>
[[nodiscard]] Result<EncodedEvent> encode_event(const Codec& codec, const T& event, Envelope envelope = {}) {
  auto body = codec.encode(to_fields(event));
  if (!body) {
    const std::string topic(event_topic<T>());
    return Error{body.error().what, body.error().where.empty() ? topic : topic + ": " + body.error().where};
  }
  envelope.version = event_version<T>();
  if (envelope.topic.empty()) envelope.topic = event_topic<T>();
  if (envelope.key.empty()) envelope.key = event_key_text(event);
  if (envelope.id.is_none()) envelope.id = EventId::make();
  return EncodedEvent{std::move(envelope), std::string(codec.content_type()), std::move(*body)};
}

/// Decodes an event of T, of this version or of an older one. The version is looked at before the body: a newer
/// one than T's is an error that says so, as is one from which no steps lead to T's.
template <DescribedEvent T>
[[nodiscard]] Result<T> decode_event(const Codec& codec, const EncodedEvent& event,
                                     const Upcasters& upcasters = {}) {
  const std::string topic(event_topic<T>());
  const std::uint32_t version = event.envelope.version;
  if (Status fits = upcasters.check_version(topic, version, event_version<T>()); !fits) return fits.error();
  auto fields = codec.decode(event.body);
  if (!fields) {
    return Error{fields.error().what, topic + ": " + fields.error().where};
  }
  if (Status done = upcasters.upcast(topic, version, event_version<T>(), *fields); !done) return done.error();
  return from_fields<T>(*fields);
}

/// The same with the codec that the event's content type names.
template <DescribedEvent T>
[[nodiscard]] Result<T> decode_event(const Codecs& codecs, const EncodedEvent& event,
                                     const Upcasters& upcasters = {}) {
  const Codec* codec = codecs.find(event.content_type);
  if (codec == nullptr) {
    return Error{"no codec for content type '" + event.content_type + "'", std::string(event_topic<T>())};
  }
  return decode_event<T>(*codec, event, upcasters);
}

}  // namespace headrace
