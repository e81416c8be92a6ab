#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "body_fields.hpp"
#include "headrace/base/result.hpp"
#include "headrace/port/message.hpp"
#include "lookup_table.hpp"

namespace headrace::program {

/// What becomes of a message whose key the table does not have, or whose body lacks the field.
enum class WithoutRow : std::uint8_t { pass, reject };

/// Adds to JSON bodies what a table knows of their key. What a body has already it keeps: a table's field of that name is
/// left out. The rest of the body stays as it is, byte by byte.
/// Threads:  one at a time; copies share the table.
class Enrichment {
 public:
  /// `by` names the body's field that is the key.
  Enrichment(std::string_view by, std::shared_ptr<const LookupTable> table, WithoutRow without_row)
      : key_(fields_.mentioned().intern(by)), by_(by), table_(std::move(table)), without_row_(without_row) {}

  /// A body that BodyFields cannot read is an error, and so is one without a row, if told so.
  [[nodiscard]] Status operator()(Message& message);
  [[nodiscard]] const LookupTable& table() const noexcept { return *table_; }

 private:
  BodyFields fields_;
  FieldId key_;
  std::string by_;
  std::shared_ptr<const LookupTable> table_;
  WithoutRow without_row_;
};

}  // namespace headrace::program
