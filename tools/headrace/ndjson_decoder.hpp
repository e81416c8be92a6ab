#pragma once

#include <string>

#include "decoder.hpp"
#include "json_reader.hpp"
#include "schema_pool.hpp"

namespace headrace::program {

/// One JSON object a line. Nested objects are flattened to dotted names (`properties.mag`), arrays are kept as
/// their JSON text. Duplicate keys are refused, since readers disagree on which of the two counts.
class NdjsonDecoder final : public Decoder {
 public:
  NdjsonDecoder(NdjsonOptions options, SchemaPool& schemas);

  [[nodiscard]] Flow feed(std::string_view bytes, DecoderSink& sink) override;
  [[nodiscard]] Flow finish(DecoderSink& sink) override;

 private:
  [[nodiscard]] Flow take_line(std::string_view text, DecoderSink& sink);

  const NdjsonOptions options_;
  SchemaPool& schemas_;
  const Schema* last_schema_ = nullptr;

  std::string partial_;  // a line whose end has not come yet
  bool skipping_ = false;
  bool at_stream_start_ = true;
  std::uint64_t line_ = 1;
  JsonReader reader_;
};

}  // namespace headrace::program
