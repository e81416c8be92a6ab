#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record.hpp"

namespace headrace::program {

struct NdjsonOptions {
  std::size_t record_bytes_max = std::size_t{1} << 20U;
  std::size_t depth_max = 64;
  std::size_t fields_max = 4096;
};

/// Reads one JSON object after the other into flat fields, and keeps its memory in between. Nested objects become
/// dotted names (`properties.mag`), arrays are kept as their JSON text.
/// Threads:  one.
class JsonReader {
 public:
  explicit JsonReader(NdjsonOptions options) : options_(options) {}

  /// Empty, or what keeps the text from being one JSON object within the limits.
  [[nodiscard]] std::string read(std::string_view text);
  /// What was read last: the names of its fields, and a complaint when one of them occurs twice, since readers
  /// disagree on which of the two counts.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] std::string duplicate() const;
  /// Whether it has this at its top. An empty object has a name, and no fields.
  [[nodiscard]] bool has_member(std::string_view name) const noexcept;
  /// The same as a record; the schema has these names.
  [[nodiscard]] Record record(const Schema& schema, std::uint64_t line) const {
    return values_.build(schema, line);
  }

 private:
  NdjsonOptions options_;
  RecordBuilder values_;
  std::vector<std::string> names_;
  std::vector<std::string> empty_members_;  ///< of the last: objects at its top without fields
};

}  // namespace headrace::program
