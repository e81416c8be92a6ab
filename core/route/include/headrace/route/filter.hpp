#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"

namespace headrace {

/// A subscription's pattern over topic names. Its syntax says whose rules it follows:
///
/// |                  | MQTT: holds `/` or `+`, or is `#`              | AMQP: everything else              |
/// |------------------|------------------------------------------------|------------------------------------|
/// | levels end at    | `/`                                            | `.`                                |
/// | one level        | `+`                                            | `*`                                |
/// | zero or more     | `#`, last only: `a/#` matches `a` and `a/b/c`  | `#`, anywhere: `#.error`, `a.#.z`  |
/// | `$` topics       | never matched by a wildcard that comes first   | as any other                       |
///
/// A wildcard fills its level. Mixing the two is an error. A filter without wildcards is exact. The separator is
/// spelling (topic_name.hpp): `site/+` matches `site.a`, and `orders.placed` matches `orders/placed`.
class Filter {
 public:
  enum class Syntax { mqtt, amqp };
  enum class Level : std::uint8_t { literal, one, many };

  /// The error says what is wrong, at which byte, and what to write in its place.
  [[nodiscard]] static Result<Filter> parse(std::string_view text);

  /// What a level of a parsed filter stands for.
  [[nodiscard]] static Level level(std::string_view text) noexcept {
    if (text == "#") return Level::many;
    return text == "+" || text == "*" ? Level::one : Level::literal;
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] Syntax syntax() const noexcept { return syntax_; }
  [[nodiscard]] bool is_exact() const noexcept { return exact_; }
  [[nodiscard]] bool starts_with_wildcard() const noexcept { return starts_with_wildcard_; }

  /// The definition of a match, for one filter and a valid topic name. Allocates; FilterTrie is the quick way for
  /// many.
  [[nodiscard]] bool matches(std::string_view topic) const;

  friend bool operator==(const Filter&, const Filter&) = default;

 private:
  Filter(std::string_view text, Syntax syntax) : text_(text), syntax_(syntax) {}

  std::string text_;
  Syntax syntax_;
  bool exact_ = true;
  bool starts_with_wildcard_ = false;
};

}  // namespace headrace
