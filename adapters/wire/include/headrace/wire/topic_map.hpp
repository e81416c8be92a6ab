#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"

namespace headrace::wire {

/// Topics of a broker to topics of the bus and back, by rules: `plant/+/temp` <-> `plant.*.temp`.
///
/// A side that holds `/` or `+`, or is `#`, separates levels by `/` and calls one level `+`; any other side
/// separates by `.` and calls it `*`. `#` stands for any number of levels, also none, and only last. Both sides
/// have the same wildcards in the same order; the levels that they stand for are carried over. The first rule that
/// fits decides.
///
/// A level that the other side could not hold is refused, never changed: one with a `.` or `/` where `.`
/// separates, an empty one, one with `+`, `#`, NUL or what is not UTF-8. So what a rule maps, the same rule maps
/// back.
/// Threads: add at start-up; then any.
class TopicMap {
 public:
  /// Errors say what is wrong with which side.
  [[nodiscard]] Status add(std::string_view outside, std::string_view inside);

  /// A broker's topic as one of the bus. No rule that fits is an error.
  [[nodiscard]] Result<std::string> to_inside(std::string_view topic) const;
  [[nodiscard]] Result<std::string> to_outside(std::string_view topic) const;
  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }

 private:
  struct Pattern {
    char separator = '.';
    std::vector<std::string> levels;
    [[nodiscard]] bool is_one(std::size_t level) const;
    [[nodiscard]] bool is_open() const;  ///< ends with #
  };
  struct Rule {
    Pattern outside;
    Pattern inside;
  };
  [[nodiscard]] static Result<Pattern> parse(std::string_view text);
  [[nodiscard]] static bool match(const Pattern& pattern, std::string_view topic,
                                  std::vector<std::string_view>& captured);
  [[nodiscard]] static Result<std::string> fill(const Pattern& pattern,
                                                const std::vector<std::string_view>& captured);
  [[nodiscard]] Result<std::string> map(std::string_view topic, Pattern Rule::*from, Pattern Rule::*to) const;

  std::vector<Rule> rules_;
};

}  // namespace headrace::wire
