#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace headrace::program {

/// A limit that numbers may not pass, with hysteresis: it is passed at the limit, and that is over only at `until`, so that
/// a number that wavers around the limit makes no noise. Each key for itself.
///
/// Memory:   keys whose number is past the limit are remembered, at most `remembered_max`; of those that find no room
///           each number past the limit is news.
/// Threads:  any.
class Threshold {
 public:
  enum class Side : std::uint8_t { above, below };
  enum class News : std::uint8_t { none, raised, over };

  /// `until` is on the other side of the limit, or the limit itself.
  Threshold(Side side, double limit, double until, std::size_t remembered_max = 100'000)
      : side_(side), limit_(limit), until_(until), remembered_max_(remembered_max) {}

  [[nodiscard]] News look(const std::string& key, double number);
  /// The news could not be told: the next number tells it again.
  void take_back(const std::string& key, News news);
  [[nodiscard]] double limit() const noexcept { return limit_; }

 private:
  [[nodiscard]] bool is_past(double number, double limit) const noexcept {
    return side_ == Side::above ? number >= limit : number <= limit;
  }
  const Side side_;
  const double limit_;
  const double until_;
  const std::size_t remembered_max_;
  std::mutex mutex_;
  std::unordered_set<std::string> past_;  // behind mutex_
};

[[nodiscard]] constexpr std::string_view to_string(Threshold::News news) noexcept {
  constexpr std::string_view kNames[] = {"none", "raised", "over"};
  return kNames[static_cast<std::size_t>(news)];
}

}  // namespace headrace::program
