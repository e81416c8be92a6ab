#pragma once

#include <array>
#include <cstdint>

#include "headrace/base/atomic.hpp"
#include "headrace/telemetry/counter.hpp"
#include "headrace/telemetry/histogram_snapshot.hpp"

namespace headrace {

/// A histogram of 10 KiB with one writer and any number of readers. The unit is the writer's: nanoseconds or
/// cycles.
///
/// Threads:   record by the owner; snapshot by anyone, at any time.
/// Progress:  both wait-free.   Allocates: nothing.
/// A snapshot taken while the owner records holds each sample wholly or not at all, and its percentiles agree with
/// its count. It is exact once something else has ordered the owner's work before it.
class LatencyHistogram {
 public:
  LatencyHistogram() noexcept = default;
  LatencyHistogram(const LatencyHistogram&) = delete;
  LatencyHistogram& operator=(const LatencyHistogram&) = delete;

  /// Counts `samples` samples of one value: a frame of events that waited alike. @thread owner
  void record(std::uint64_t value, std::uint64_t samples = 1) noexcept {
    if (value < min_.load(std::memory_order_relaxed)) [[unlikely]] {  // no partner: own variable
      min_.store(value, std::memory_order_relaxed);                   // no partner: a snapshot checks it
    }
    if (value > max_.load(std::memory_order_relaxed)) [[unlikely]] {  // no partner: own variable
      max_.store(value, std::memory_order_relaxed);                   // no partner: a snapshot checks it
    }
    counts_[LogLinearScale::bucket_of(value)].add(samples);
  }

  /// @thread any
  [[nodiscard]] HistogramSnapshot snapshot() const noexcept {
    HistogramSnapshot taken;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) taken.add(bucket, counts_[bucket].value());
    taken.bound(min_.load(std::memory_order_relaxed),   // no partner: bound() checks it against the counts
                max_.load(std::memory_order_relaxed));  // no partner: the same
    return taken;
  }

 private:
  // Writer of all: owner.
  Atomic<std::uint64_t> min_{~std::uint64_t{0}};
  Atomic<std::uint64_t> max_{0};
  std::array<SingleWriterCounter, LogLinearScale::kBuckets> counts_;
};

}  // namespace headrace
