#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parsed.hpp"
#include "record.hpp"

namespace headrace::program {

/// A condition on a record's fields:
///
///   condition  = term { "or" term }            field    = name | `name with blanks`
///   term       = factor { "and" factor }       number   = 12, -0.5, 1e3
///   factor     = "not" factor                  text     = 'text' or "text", a doubled quote for the quote
///              | "(" condition ")"             operator = == != < <= > >= contains
///              | value operator value          value    = field | number | text | true | false
///
/// Two values are compared as numbers when one is a number of the condition, or both are fields that read as
/// numbers; otherwise byte by byte as text. A field that a number is asked of and that holds none makes the
/// comparison false, also `!=`. A missing field is the empty text, so `alert == ''` finds records without an
/// alert.
class Predicate {
 public:
  static constexpr std::size_t kDepthMax = 64;

  [[nodiscard]] static Parsed<Predicate> parse(std::string_view text, FieldTable& mentioned);

  /// @thread any
  [[nodiscard]] bool operator()(const Record& record) const { return holds(root_, record); }
  [[nodiscard]] const std::string& source() const noexcept { return source_; }

 private:
  friend class PredicateParser;
  enum class Operator : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal, contains };
  struct Value {
    enum class Kind : std::uint8_t { field, number, text } kind;
    FieldId field{};
    double number = 0;
    std::string text;
  };
  struct Node {
    enum class Kind : std::uint8_t { both, either, negation, comparison } kind;
    Operator op{};
    std::uint32_t left = 0, right = 0;  // nodes, or values of a comparison
  };

  [[nodiscard]] bool holds(std::uint32_t node, const Record& record) const;
  [[nodiscard]] bool compare(const Node& node, const Record& record) const;

  std::string source_;
  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::uint32_t root_ = 0;
};

/// The field's text as a number, whole or not at all.
[[nodiscard]] bool read_number(std::string_view text, double& number) noexcept;

}  // namespace headrace::program
