#include <nlohmann/json.hpp>

#include "headrace/wire/codecs.hpp"
#include "json_text.hpp"
#include "tree_builder.hpp"

namespace headrace::wire {

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
