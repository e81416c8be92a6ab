#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "json_reader.hpp"
#include "parsed.hpp"
#include "predicate.hpp"

namespace headrace::program {

/// A condition on the fields of a message's body, which is one JSON object: `temp > 40 and site.name == 'north'`. What
/// may be written is what [[subscription]] where takes.
/// Threads:  one at a time.
class BodyCondition {
 public:
  [[nodiscard]] static Parsed<BodyCondition> parse(std::string_view text);

  /// Whether the body meets it. A body that is no JSON object, is over a megabyte or nested deeper than 64 levels, or has a
  /// key twice, is an error.
  [[nodiscard]] Result<bool> operator()(std::span<const std::byte> body);

 private:
  FieldTable fields_;
  std::optional<Predicate> predicate_;
  JsonReader reader_{NdjsonOptions{}};
  std::optional<Schema> schema_;  ///< of the last body: most have the same fields
};

}  // namespace headrace::program
