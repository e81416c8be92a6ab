#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "decoder.hpp"

namespace headrace::program {

struct NdjsonOptions {
  std::size_t record_bytes_max = std::size_t{1} << 20U;
  std::size_t depth_max = 64;
  std::size_t fields_max = 4096;
  std::size_t shapes_max = 10'000;  ///< different sets of keys in one stream; each costs a schema for its life
};

/// One JSON object a line. Nested objects are flattened to dotted names (`properties.mag`), arrays are kept as
/// their JSON text. Duplicate keys are refused, since readers disagree on which of the two counts.
class NdjsonDecoder final : public Decoder {
 public:
  NdjsonDecoder(NdjsonOptions options, const FieldTable& mentioned);

  [[nodiscard]] Flow feed(std::string_view bytes, DecoderSink& sink) override;
  [[nodiscard]] Flow finish(DecoderSink& sink) override;

 private:
  [[nodiscard]] Flow take_line(std::string_view text, DecoderSink& sink);
  [[nodiscard]] const Schema* schema_of(const std::vector<std::string>& names);

  const NdjsonOptions options_;
  const FieldTable& mentioned_;
  std::map<std::vector<std::string>, std::unique_ptr<const Schema>> schemas_;
  const Schema* last_schema_ = nullptr;

  std::string partial_;  // a line whose end has not come yet
  bool skipping_ = false;
  bool at_stream_start_ = true;
  std::uint64_t line_ = 1;
  RecordBuilder builder_;
  std::vector<std::string> names_;
};

}  // namespace headrace::program
