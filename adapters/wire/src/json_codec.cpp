#include <nlohmann/json.hpp>

#include "headrace/wire/codecs.hpp"
#include "json_text.hpp"
#include "tree_builder.hpp"

namespace headrace::wire {
namespace {

/// The parser takes a raw NUL byte as the end of its input, so that anything could follow it, and skips a byte order
/// mark, so that texts would not begin where values do (RFC 8259, 8.1: none is written).
Status check_json_bytes(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) return Error{"is a byte order mark, which JSON does not have", "byte 1"};
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return Error{"is NUL, which JSON does not have", "byte " + std::to_string(nul + 1)};
  }
  return Nothing{};
}

}  // namespace

Result<std::vector<std::byte>> JsonCodec::encode(const FieldValue& fields) const {
  if (Status fits = check_fields(fields, limits_); !fits) return fits.error();
  std::string out;
  std::string where;
  if (!append_json(out, fields, where)) {
    return Error{"is no finite number, which JSON cannot hold", where.empty() ? "body" : where};
  }
  if (Status fits = check_body_size(out.size(), limits_); !fits) return fits.error();
  const auto bytes = std::as_bytes(std::span(out));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

Result<FieldValue> JsonCodec::decode(std::span<const std::byte> body) const {
  if (Status fits = check_body_size(body.size(), limits_); !fits) return fits.error();
  TreeBuilder builder(limits_);
  const auto* begin = reinterpret_cast<const char*>(body.data());
  if (Status fits = check_json_bytes({begin, body.size()}); !fits) return fits.error();
  const bool complete = nlohmann::json::sax_parse(begin, begin + body.size(), &builder);
  return builder.take(complete);
}

Codecs standard_codecs(CodecLimits limits) {
  Codecs codecs;
  codecs.add(std::make_shared<JsonCodec>(limits));
  codecs.add(std::make_shared<CborCodec>(limits));
  codecs.add(std::make_shared<MessagePackCodec>(limits));
  return codecs;
}

}  // namespace headrace::wire
