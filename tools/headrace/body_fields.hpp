#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "json_reader.hpp"
#include "record.hpp"

namespace headrace::program {

/// The fields of messages' bodies, each one JSON object: `site.name` is a field of an object within.
/// Threads:  one at a time.
class BodyFields {
 public:
  /// Where fields that will be asked for are named, before the first read().
  [[nodiscard]] FieldTable& mentioned() noexcept { return mentioned_; }
  /// A body that is no JSON object, is over a megabyte or nested deeper than 64 levels, or has a key twice, is an error.
  /// The record is good until the next read().
  [[nodiscard]] Result<Record> read(std::span<const std::byte> body);
  /// Whether the body that was read last has this at its top, be it empty.
  [[nodiscard]] bool has_member(std::string_view name) const { return reader_.has_member(name); }

 private:
  FieldTable mentioned_;
  JsonReader reader_{NdjsonOptions{}};
  std::optional<Schema> schema_;  ///< of the last body: most have the same fields
};

}  // namespace headrace::program
