#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "parsed.hpp"

namespace headrace::program {

using EventTime = std::chrono::sys_time<std::chrono::nanoseconds>;

/// How an input writes its times: `iso8601` (with or without `T`, fraction and zone; UTC when no zone is given),
/// `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`, or a pattern of %Y %m %d %H %M %S %f (fraction) %b (Jan) %z and
/// text.
class TimeFormat {
 public:
  [[nodiscard]] static Parsed<TimeFormat> parse(std::string_view text);

  /// Nothing when the text is not a time of this format, or lies outside of what 64 bits of nanoseconds hold.
  [[nodiscard]] std::optional<EventTime> read(std::string_view text) const;

 private:
  enum class Kind { iso8601, epoch, pattern };
  Kind kind_ = Kind::iso8601;
  double epoch_unit_ns_ = 1e9;
  std::string pattern_;
};

}  // namespace headrace::program
