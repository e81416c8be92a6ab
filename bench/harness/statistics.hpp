#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace headrace::bench {

/// The middle value; the mean of the middle two when their number is even. Zero of none.
[[nodiscard]] inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// The median distance from the median, as a share of the median: 0.02 says that half the runs lie within 2 %.
[[nodiscard]] inline double relative_spread(std::vector<double> values) {
  const double middle = median(values);
  if (middle == 0) return 0;
  for (double& value : values) value = std::abs(value - middle);
  return median(std::move(values)) / std::abs(middle);
}

/// The value below which a share of them lies (nearest rank). `share` is in [0, 1].
[[nodiscard]] inline double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto last = static_cast<double>(values.size() - 1);
  const auto rank = static_cast<std::ptrdiff_t>(std::lround(share * last));
  std::ranges::nth_element(values, values.begin() + rank);
  return values[static_cast<std::size_t>(rank)];
}

}  // namespace headrace::bench
