#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "byte_writer.hpp"
#include "headrace/wire/codecs.hpp"
#include "tree_builder.hpp"

namespace headrace::wire {
namespace {

struct Sizes {
  unsigned fixed;           ///< the first byte of the shortest form
  std::uint64_t fixed_max;  ///< what it can hold
  unsigned one;             ///< the first byte before a size of one byte; 0: there is no such form
  unsigned two;             ///< before one of two; the next number is that of the form of four
};

void head(ByteWriter& out, const Sizes& sizes, std::uint64_t size) {
  if (size <= sizes.fixed_max && sizes.fixed != 0) {
    out.byte(sizes.fixed | static_cast<unsigned>(size));
  } else if (size <= 0xff && sizes.one != 0) {
    out.byte(sizes.one);
    out.number(static_cast<std::uint8_t>(size));
  } else if (size <= 0xffff) {
    out.byte(sizes.two);
    out.number(static_cast<std::uint16_t>(size));
  } else {
    out.byte(sizes.two + 1);
    out.number(static_cast<std::uint32_t>(size));
  }
}

constexpr Sizes kText{0xa0, 31, 0xd9, 0xda};
constexpr Sizes kBytes{0, 0, 0xc4, 0xc5};
constexpr Sizes kList{0x90, 15, 0, 0xdc};
constexpr Sizes kRecord{0x80, 15, 0, 0xde};

void write_unsigned(ByteWriter& out, std::uint64_t value) {
  if (value < 128) return out.byte(static_cast<unsigned>(value));
  if (value <= 0xff) return out.byte(0xcc), out.number(static_cast<std::uint8_t>(value));
  if (value <= 0xffff) return out.byte(0xcd), out.number(static_cast<std::uint16_t>(value));
  if (value <= 0xffff'ffff) return out.byte(0xce), out.number(static_cast<std::uint32_t>(value));
  out.byte(0xcf);
  out.number(value);
}

void write_negative(ByteWriter& out, std::int64_t value) {
  if (value >= -32) return out.byte(static_cast<unsigned>(value & 0xff));
  if (std::in_range<std::int8_t>(value)) return out.byte(0xd0), out.number(static_cast<std::int8_t>(value));
  if (std::in_range<std::int16_t>(value)) return out.byte(0xd1), out.number(static_cast<std::int16_t>(value));
  if (std::in_range<std::int32_t>(value)) return out.byte(0xd2), out.number(static_cast<std::int32_t>(value));
  out.byte(0xd3);
  out.number(value);
}

void write_message_pack(ByteWriter& out, const FieldValue& fields) {
  if (fields.is_nothing()) {
    out.byte(0xc0);
  } else if (const auto* flag = fields.as<bool>()) {
    out.byte(*flag ? 0xc3 : 0xc2);
  } else if (const auto* integer = fields.as<std::int64_t>()) {
    *integer < 0 ? write_negative(out, *integer) : write_unsigned(out, static_cast<std::uint64_t>(*integer));
  } else if (const auto* large = fields.as<std::uint64_t>()) {
    write_unsigned(out, *large);
  } else if (const auto* number = fields.as<double>()) {
    out.byte(0xcb);
    out.number(*number);
  } else if (const auto* text = fields.as<std::string>()) {
    head(out, kText, text->size());
    out.text(*text);
  } else if (const auto* bytes = fields.as<FieldValue::Bytes>()) {
    head(out, kBytes, bytes->size());
    out.bytes(*bytes);
  } else if (const auto* list = fields.as<FieldValue::List>()) {
    head(out, kList, list->size());
    for (const FieldValue& item : *list) write_message_pack(out, item);
  } else {
    const auto& record = *fields.as<FieldValue::Record>();
    head(out, kRecord, record.size());
    for (const NamedField& field : record) {
      head(out, kText, field.name.size());
      out.text(field.name);
      write_message_pack(out, field.value);
    }
  }
}

}  // namespace

Result<std::vector<std::byte>> MessagePackCodec::encode(const FieldValue& fields) const {
  if (Status fits = check_fields(fields, limits_); !fits) return fits.error();
  ByteWriter out;
  write_message_pack(out, fields);
  auto body = out.take();
  if (Status fits = check_body_size(body.size(), limits_); !fits) return fits.error();
  return body;
}

Result<FieldValue> MessagePackCodec::decode(std::span<const std::byte> body) const {
  if (Status fits = check_body_size(body.size(), limits_); !fits) return fits.error();
  TreeBuilder builder(limits_);
  const auto* begin = reinterpret_cast<const std::uint8_t*>(body.data());
  const bool complete =
      nlohmann::json::sax_parse(begin, begin + body.size(), &builder, nlohmann::json::input_format_t::msgpack);
  return builder.take(complete);
}

}  // namespace headrace::wire
