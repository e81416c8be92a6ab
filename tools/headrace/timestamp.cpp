#include "timestamp.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "predicate.hpp"

namespace headrace::program {
namespace {

using namespace std::chrono;

/// Reads a time piece by piece; any failure sticks.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  void digits(int& into, std::size_t most) {
    std::size_t n = 0;
    int value = 0;
    for (; n < most && n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9'; ++n)
      value = value * 10 + (rest_[n] - '0');
    ok_ = ok_ && n > 0;
    into = value;
    rest_.remove_prefix(n);
  }

  void fraction() {
    std::int64_t scale = 100'000'000;
    std::size_t n = 0;
    for (; n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9'; ++n, scale /= 10)
      nanos_ += (rest_[n] - '0') * scale;
    ok_ = ok_ && n > 0;
    rest_.remove_prefix(n);
  }

  void month_name() {
    constexpr std::array<std::string_view, 12> kNames = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (!rest_.starts_with(kNames[i])) continue;
      rest_.remove_prefix(3);
      month_ = static_cast<int>(i) + 1;
      return;
    }
    ok_ = false;
  }

  void zone() {
    if (take('Z') || take('z')) return;
    const int sign = take('-') ? -1 : 1;
    if (sign == 1) literal('+');
    int zone_hours = 0;
    int zone_minutes = 0;
    digits(zone_hours, 2);
    if (take(':') || !rest_.empty()) digits(zone_minutes, 2);
    offset_minutes_ = sign * (zone_hours * 60 + zone_minutes);
  }

  void literal(char c) { ok_ = ok_ && take(c); }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void conversion(char c) {
    switch (c) {
      case 'Y':
        digits(year_, 4);
        break;
      case 'm':
        digits(month_, 2);
        break;
      case 'd':
        digits(day_, 2);
        break;
      case 'H':
        digits(hour_, 2);
        break;
      case 'M':
        digits(minute_, 2);
        break;
      case 'S':
        digits(second_, 2);
        break;
      case 'f':
        fraction();
        break;
      case 'b':
        month_name();
        break;
      case 'z':
        zone();
        break;
      default:
        literal(c);
        break;  // %%
    }
  }

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  [[nodiscard]] std::optional<EventTime> time() const {
    const year_month_day date{std::chrono::year{year_}, std::chrono::month{static_cast<unsigned>(month_)},
                              std::chrono::day{static_cast<unsigned>(day_)}};
    const bool clock_ok = hour_ <= 24 && minute_ < 60 && second_ <= 60;  // 60: a leap second
    // Nanoseconds in 64 bits reach from 1677 to 2262.
    if (!ok_ || !at_end() || !date.ok() || !clock_ok || year_ < 1678 || year_ > 2261) return std::nullopt;
    return sys_days{date} + hours{hour_} + minutes{minute_ - offset_minutes_} + seconds{second_} +
           nanoseconds{nanos_};
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
  int year_ = 1970, month_ = 1, day_ = 1, hour_ = 0, minute_ = 0, second_ = 0, offset_minutes_ = 0;
  std::int64_t nanos_ = 0;
};

std::optional<EventTime> read_iso8601(std::string_view text) {
  TimeReader reader(text);
  reader.conversion('Y');
  reader.literal('-');
  reader.conversion('m');
  reader.literal('-');
  reader.conversion('d');
  if (!reader.at_end()) {
    if (!reader.take('T')) reader.literal(' ');
    reader.conversion('H');
    reader.literal(':');
    reader.conversion('M');
    if (reader.take(':')) {
      reader.conversion('S');
      if (reader.take('.') || reader.take(',')) reader.fraction();
    }
    if (!reader.at_end()) reader.zone();
  }
  return reader.time();
}

}  // namespace

Parsed<TimeFormat> TimeFormat::parse(std::string_view text) {
  using Result = Parsed<TimeFormat>;
  TimeFormat format;
  constexpr std::array<std::pair<std::string_view, double>, 4> kEpochs = {
      {{"epoch_s", 1e9}, {"epoch_ms", 1e6}, {"epoch_us", 1e3}, {"epoch_ns", 1}}};
  for (const auto& [name, unit_ns] : kEpochs) {
    if (text != name) continue;
    format.kind_ = Kind::epoch;
    format.epoch_unit_ns_ = unit_ns;
    return {format, 0, {}};
  }
  if (text == "iso8601") return {format, 0, {}};
  if (text.find('%') == std::string_view::npos) {
    return Result::failed(0,
                          fmt::format("'{}' is none of iso8601, epoch_s, epoch_ms, epoch_us, epoch_ns and has no "
                                      "%Y as a pattern has",
                                      text));
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    ++i;
    if (i == text.size() || std::string_view("YmdHMSfbz%").find(text[i]) == std::string_view::npos) {
      return Result::failed(i - 1, "after % comes one of Y m d H M S f b z %");
    }
  }
  format.kind_ = Kind::pattern;
  format.pattern_ = text;
  return {format, 0, {}};
}

std::optional<EventTime> TimeFormat::read(std::string_view text) const {
  if (kind_ == Kind::iso8601) return read_iso8601(text);
  if (kind_ == Kind::epoch) {
    double value = 0;
    if (!read_number(text, value)) return std::nullopt;
    // A double holds 53 bits: whole numbers keep all of their digits this way.
    std::int64_t whole = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    const bool integral = error == std::errc{} && end == text.data() + text.size();
    const double ns = value * epoch_unit_ns_;
    if (!(std::abs(ns) < 9.2e18)) return std::nullopt;
    return EventTime{
        nanoseconds{integral ? whole * static_cast<std::int64_t>(epoch_unit_ns_) : static_cast<std::int64_t>(ns)}};
  }
  TimeReader reader(text);
  for (std::size_t i = 0; i < pattern_.size(); ++i) {
    if (pattern_[i] == '%') {
      reader.conversion(pattern_[++i]);
    } else {
      reader.literal(pattern_[i]);
    }
  }
  return reader.time();
}

}  // namespace headrace::program
