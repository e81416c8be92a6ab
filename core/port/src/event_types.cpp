#include "headrace/port/event_types.hpp"

#include <algorithm>
#include <string>

namespace headrace {

EventTypes::EventTypes(std::shared_ptr<const Codec> codec, Upcasters upcasters)
    : codec_(std::move(codec)), upcasters_(std::move(upcasters)) {
  if (codec_ == nullptr) throw ConfigError("event types need a codec");
  codecs_.add(codec_);
}

void EventTypes::add(const Type& type) {
  for (const auto& [id, other] : types_) {
    if (id != type.type && other.name == type.name) {
      throw ConfigError("two event types are described with the topic '" + std::string(type.name) + "'");
    }
  }
  if (const Status whole = upcasters_.check_topic(type.name, type.version); !whole) {
    throw ConfigError(whole.error().message());
  }
  types_.insert_or_assign(type.type, type);
}

Result<const EventTypes::Type*> EventTypes::known(EventTypeId type) const {
  const auto found = types_.find(type);
  if (found == types_.end()) return Error{"an event type that EventTypes was not given", {}};
  return &found->second;
}

Result<std::string_view> EventTypes::name_of(EventTypeId type) const {
  const auto found = known(type);
  if (!found) return found.error();
  return (*found)->name;
}

Result<std::uint32_t> EventTypes::version_of(EventTypeId type) const {
  const auto found = known(type);
  if (!found) return found.error();
  return (*found)->version;
}

Result<EventTypeId> EventTypes::find(std::string_view name) const {
  const auto found =
      std::find_if(types_.begin(), types_.end(), [&](const auto& row) { return row.second.name == name; });
  if (found == types_.end()) return Error{"no event type is described with this topic", std::string(name)};
  return found->first;
}

Result<EncodedBody> EventTypes::encode(EventTypeId type, const void* event) const {
  const auto found = known(type);
  if (!found) return found.error();
  auto bytes = codec_->encode((*found)->fields(event));
  if (!bytes) return Error{bytes.error().what, std::string((*found)->name) + ": " + bytes.error().where};
  return EncodedBody{std::string(codec_->content_type()), std::move(*bytes)};
}

Result<FieldValue> EventTypes::fields(EventTypeId type, const void* event) const {
  const auto found = known(type);
  if (!found) return found.error();
  return (*found)->fields(event);
}

Result<FieldValue> EventTypes::fields(EventTypeId type, std::uint32_t version, std::string_view content_type,
                                      std::span<const std::byte> body) const {
  const auto found = known(type);
  if (!found) return found.error();
  const Type& of = **found;
  if (Status fits = upcasters_.check_version(of.name, version, of.version); !fits) return fits.error();
  const Codec* const codec = codecs_.find(content_type);
  if (codec == nullptr) {
    return Error{"no codec for content type '" + std::string(content_type) + "'", std::string(of.name)};
  }
  auto fields = codec->decode(body);
  if (!fields) return Error{fields.error().what, std::string(of.name) + ": " + fields.error().where};
  if (Status done = upcasters_.upcast(of.name, version, of.version, *fields); !done) return done.error();
  return fields;
}

Result<HeldEvent> EventTypes::make(EventTypeId type, const FieldValue& fields, const EventMeta& meta) const {
  const auto found = known(type);
  if (!found) return found.error();
  return (*found)->make(fields, meta);
}

}  // namespace headrace
