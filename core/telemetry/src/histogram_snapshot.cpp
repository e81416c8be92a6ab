#include "headrace/telemetry/histogram_snapshot.hpp"

#include <algorithm>
#include <cmath>

namespace headrace {

double HistogramSnapshot::mean() const noexcept {
  if (empty()) return 0;
  double sum = 0;
  for (std::size_t bucket = first_bucket(); bucket <= last_bucket(); ++bucket) {
    sum += static_cast<double>(counts_[bucket]) * static_cast<double>(LogLinearScale::middle(bucket));
  }
  return std::clamp(sum / static_cast<double>(count_), static_cast<double>(min_), static_cast<double>(max_));
}

std::uint64_t HistogramSnapshot::percentile(double percent) const noexcept {
  if (empty()) return 0;
  const auto wanted = std::ceil(percent / 100 * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::max(wanted, 1.0)), 1, count_);
  if (rank == count_) return max_;
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while (seen + counts_[bucket] < rank) seen += counts_[bucket++];
  return std::clamp(LogLinearScale::middle(bucket), min_, max_);
}

void HistogramSnapshot::merge(const HistogramSnapshot& other) noexcept {
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) counts_[bucket] += other.counts_[bucket];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

HistogramSnapshot HistogramSnapshot::since(const HistogramSnapshot& earlier) const noexcept {
  HistogramSnapshot added;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    added.add(bucket, counts_[bucket] - std::min(counts_[bucket], earlier.counts_[bucket]));
  }
  if (!added.empty()) {
    added.min_ = std::max(min_, LogLinearScale::lowest(added.first_bucket()));
    added.max_ = std::min(max_, LogLinearScale::highest(added.last_bucket()));
  }
  return added;
}

void HistogramSnapshot::add(std::size_t bucket, std::uint64_t count) noexcept {
  counts_[bucket] = count;
  count_ += count;
}

void HistogramSnapshot::bound(std::uint64_t min, std::uint64_t max) noexcept {
  if (empty()) return;
  const auto first = first_bucket();
  const auto last = last_bucket();
  min_ = min <= LogLinearScale::highest(first) ? min : LogLinearScale::lowest(first);
  max_ = max >= LogLinearScale::lowest(last) ? max : LogLinearScale::highest(last);
}

std::size_t HistogramSnapshot::first_bucket() const noexcept {
  return static_cast<std::size_t>(std::ranges::find_if(counts_, [](auto n) { return n != 0; }) - counts_.begin());
}

std::size_t HistogramSnapshot::last_bucket() const noexcept {
  std::size_t bucket = counts_.size() - 1;
  while (counts_[bucket] == 0) --bucket;
  return bucket;
}

}  // namespace headrace
