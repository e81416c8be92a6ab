#pragma once

#include <array>
#include <cstdint>

#include "headrace/telemetry/log_linear_scale.hpp"

namespace headrace {

/// What a histogram held at some moment: a value to keep, add up over workers and subtract from a later one.
///
/// percentile() and mean() are within 1/64 of the exact answer over the same samples. min() and max() are exact in
/// a snapshot and in a merge of snapshots; in a difference they are the bounds of the outermost buckets.
class HistogramSnapshot {
 public:
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// 0 when empty, as the three below.
  [[nodiscard]] std::uint64_t min() const noexcept { return empty() ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] double mean() const noexcept;
  /// The smallest value that at least `percent` of the samples do not exceed (nearest rank); 0 < percent <= 100.
  [[nodiscard]] std::uint64_t percentile(double percent) const noexcept;

  /// Adds another histogram's samples.
  void merge(const HistogramSnapshot& other) noexcept;
  /// The samples recorded since an earlier snapshot of the same histogram.
  [[nodiscard]] HistogramSnapshot since(const HistogramSnapshot& earlier) const noexcept;

  [[nodiscard]] std::uint64_t bucket_count(std::size_t bucket) const noexcept { return counts_[bucket]; }

 private:
  friend class LatencyHistogram;
  void add(std::size_t bucket, std::uint64_t count) noexcept;
  // Takes the writer's own bounds, unless they lag behind its buckets: then the outermost buckets'.
  void bound(std::uint64_t min, std::uint64_t max) noexcept;
  [[nodiscard]] std::size_t first_bucket() const noexcept;
  [[nodiscard]] std::size_t last_bucket() const noexcept;

  std::array<std::uint64_t, LogLinearScale::kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0};
  std::uint64_t max_ = 0;
};

}  // namespace headrace
