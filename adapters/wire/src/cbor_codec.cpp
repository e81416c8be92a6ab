#include "byte_writer.hpp"
#include "cbor_reader.hpp"
#include "headrace/wire/codecs.hpp"
#include "tree_builder.hpp"

namespace headrace::wire {
namespace {

/// The major type and its argument, in the fewest bytes.
void head(ByteWriter& out, unsigned major, std::uint64_t argument) {
  const unsigned type = major << 5;
  if (argument < 24) {
    out.byte(type | static_cast<unsigned>(argument));
  } else if (argument <= 0xff) {
    out.byte(type | 24);
    out.number(static_cast<std::uint8_t>(argument));
  } else if (argument <= 0xffff) {
    out.byte(type | 25);
    out.number(static_cast<std::uint16_t>(argument));
  } else if (argument <= 0xffff'ffff) {
    out.byte(type | 26);
    out.number(static_cast<std::uint32_t>(argument));
  } else {
    out.byte(type | 27);
    out.number(argument);
  }
}

void write_cbor(ByteWriter& out, const FieldValue& fields) {
  if (fields.is_nothing()) {
    out.byte(0xf6);
  } else if (const auto* flag = fields.as<bool>()) {
    out.byte(*flag ? 0xf5 : 0xf4);
  } else if (const auto* integer = fields.as<std::int64_t>()) {
    const auto bits = static_cast<std::uint64_t>(*integer);
    *integer < 0 ? head(out, 1, ~bits) : head(out, 0, bits);
  } else if (const auto* large = fields.as<std::uint64_t>()) {
    head(out, 0, *large);
  } else if (const auto* number = fields.as<double>()) {
    const auto narrow = static_cast<float>(*number);
    if (static_cast<double>(narrow) == *number) {
      out.byte(0xfa);
      out.number(narrow);
    } else {
      out.byte(0xfb);
      out.number(*number);
    }
  } else if (const auto* text = fields.as<std::string>()) {
    head(out, 3, text->size());
    out.text(*text);
  } else if (const auto* bytes = fields.as<FieldValue::Bytes>()) {
    head(out, 2, bytes->size());
    out.bytes(*bytes);
  } else if (const auto* list = fields.as<FieldValue::List>()) {
    head(out, 4, list->size());
    for (const FieldValue& item : *list) write_cbor(out, item);
  } else {
    const auto& record = *fields.as<FieldValue::Record>();
    head(out, 5, record.size());
    for (const NamedField& field : record) {
      head(out, 3, field.name.size());
      out.text(field.name);
      write_cbor(out, field.value);
    }
  }
}

}  // namespace

Result<std::vector<std::byte>> CborCodec::encode(const FieldValue& fields) const {
  if (Status fits = check_fields(fields, limits_); !fits) return fits.error();
  ByteWriter out;
  write_cbor(out, fields);
  auto body = out.take();
  if (Status fits = check_body_size(body.size(), limits_); !fits) return fits.error();
  return body;
}

Result<FieldValue> CborCodec::decode(std::span<const std::byte> body) const {
  if (Status fits = check_body_size(body.size(), limits_); !fits) return fits.error();
  TreeBuilder builder(limits_);
  CborReader reader(body, builder);
  return builder.take(reader.read_all());
}

}  // namespace headrace::wire
