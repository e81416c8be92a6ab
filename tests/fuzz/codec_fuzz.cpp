#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "described.hpp"
#include "headrace/wire/codecs.hpp"

namespace {

using namespace headrace;
using namespace headrace::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

/// NaN is unlike itself; JSON has neither it nor bytes.
bool is_plain(const FieldValue& fields) {
  if (const auto* number = fields.as<double>()) return std::isfinite(*number);
  if (fields.as<FieldValue::Bytes>() != nullptr) return false;
  if (const auto* list = fields.as<FieldValue::List>()) {
    for (const FieldValue& item : *list) {
      if (!is_plain(item)) return false;
    }
  }
  if (const auto* record = fields.as<FieldValue::Record>()) {
    for (const NamedField& field : *record) {
      if (!is_plain(field.value)) return false;
    }
  }
  return true;
}

}  // namespace

// Input: a byte that picks the codec, then a body.
// Claim:  no bytes crash a decoder; what it takes, every codec writes and reads as the same fields; a typed event
//         that comes out of it does so as well.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const CodecLimits limits{4096, 16, 1024, 512};
  const JsonCodec json(limits);
  const CborCodec cbor(limits);
  const MessagePackCodec pack(limits);
  const Codec* const all[] = {&json, &cbor, &pack};
  const auto body = std::as_bytes(std::span(data + 1, size - 1));
  const auto fields = all[data[0] % 3]->decode(body);
  if (!fields) {
    require(!fields.error().what.empty() && !fields.error().where.empty());
    return 0;
  }
  if (!is_plain(*fields)) return 0;
  for (const Codec* codec : all) {
    const auto written = codec->encode(*fields);
    if (!written) continue;  // numbers take more bytes in one format than in another
    const auto again = codec->decode(*written);
    require(again && *again == *fields);
  }
  if (const auto event = from_fields<test::Everything>(*fields)) {
    require(*from_fields<test::Everything>(to_fields(*event)) == *event);
  }
  return 0;
}
