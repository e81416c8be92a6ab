#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "body_fields.hpp"
#include "headrace/base/result.hpp"
#include "parsed.hpp"
#include "predicate.hpp"

namespace headrace::program {

/// A condition on the fields of a message's body, which is one JSON object: `temp > 40 and site.name == 'north'`. What
/// may be written is what [[subscription]] where takes.
/// Threads:  one at a time.
class BodyCondition {
 public:
  [[nodiscard]] static Parsed<BodyCondition> parse(std::string_view text);

  /// Whether the body meets it. One that BodyFields cannot read is an error.
  [[nodiscard]] Result<bool> operator()(std::span<const std::byte> body);

 private:
  BodyFields fields_;
  std::optional<Predicate> predicate_;
};

}  // namespace headrace::program
