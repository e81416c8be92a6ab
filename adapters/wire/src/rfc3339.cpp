#include "rfc3339.hpp"

#include <cstdio>

namespace headrace::wire {
namespace {

using namespace std::chrono;

/// Takes exactly that many digits from the text's front.
std::optional<int> digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view one_of) {
  if (text.empty() || one_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<sys_days> date(std::string_view& text) {
  const auto y = digits(text, 4);
  if (!y || !take(text, "-")) return std::nullopt;
  const auto m = digits(text, 2);
  if (!m || !take(text, "-")) return std::nullopt;
  const auto d = digits(text, 2);
  if (!d) return std::nullopt;
  const year_month_day day{year(*y), month(static_cast<unsigned>(*m)),
                           std::chrono::day(static_cast<unsigned>(*d))};
  // The first and last years that nanoseconds since 1970 hold in full.
  if (!day.ok() || *y < 1678 || *y > 2261) return std::nullopt;
  return sys_days(day);
}

std::optional<seconds> clock_time(std::string_view& text) {
  const auto h = digits(text, 2);
  if (!h || !take(text, ":")) return std::nullopt;
  const auto m = digits(text, 2);
  if (!m || !take(text, ":")) return std::nullopt;
  const auto s = digits(text, 2);
  if (!s || *h > 23 || *m > 59 || *s > 60) return std::nullopt;
  return hours(*h) + minutes(*m) + seconds(*s);
}

std::optional<nanoseconds> fraction(std::string_view& text) {
  if (!take(text, ".")) return nanoseconds(0);
  std::int64_t value = 0;
  std::size_t count = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++count) {
    if (count < 9) value = value * 10 + (text.front() - '0');
  }
  if (count == 0) return std::nullopt;
  for (; count < 9; ++count) value *= 10;
  return nanoseconds(value);
}

std::optional<minutes> offset(std::string_view text) {
  if (text == "Z" || text == "z") return minutes(0);
  const bool west = !text.empty() && text.front() == '-';
  if (!take(text, "+-")) return std::nullopt;
  const auto h = digits(text, 2);
  if (!h || !take(text, ":")) return std::nullopt;
  const auto m = digits(text, 2);
  if (!m || !text.empty() || *h > 23 || *m > 59) return std::nullopt;
  const minutes east = hours(*h) + minutes(*m);
  return west ? -east : east;
}

}  // namespace

std::string to_rfc3339(EventTime time) {
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const auto since = time - day;
  const hh_mm_ss clock(since);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string out = text;
  if (const auto rest = clock.subseconds().count(); rest != 0) {
    std::snprintf(text, sizeof text, ".%09lld", static_cast<long long>(rest));
    out += text;
    out.resize(out.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

std::optional<EventTime> from_rfc3339(std::string_view text) {
  const auto day = date(text);
  if (!day || !take(text, "Tt")) return std::nullopt;
  const auto clock = clock_time(text);
  if (!clock) return std::nullopt;
  const auto parts = fraction(text);
  if (!parts) return std::nullopt;
  const auto east = offset(text);
  if (!east) return std::nullopt;
  return EventTime(*day) + *clock + *parts - *east;
}

}  // namespace headrace::wire
