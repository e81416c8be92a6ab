#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace headrace {

/// Where a histogram puts a value: HdrHistogram's scheme. Each power of two is cut into 32 equal buckets, so a
/// bucket is never wider than 1/32 of the values in it, and its middle is within 1/64 of each. Values below 64 are
/// exact.
///
/// Limits: values beyond 2^44 - 1 fall into the last bucket: almost 5 hours in nanoseconds, an hour in
///         cycles of 4.8 GHz.
struct LogLinearScale {
  static constexpr unsigned kSubBucketBits = 5;
  static constexpr unsigned kValueBits = 44;
  static constexpr std::uint64_t kSubBuckets = std::uint64_t{1} << kSubBucketBits;
  static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << kValueBits) - 1;
  static constexpr std::size_t kBuckets = (kValueBits - kSubBucketBits + 1) * kSubBuckets;

  [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    const auto held = value < kValueMax ? value : kValueMax;
    const auto octave = static_cast<unsigned>(std::bit_width(held | kSubBuckets)) - (kSubBucketBits + 1);
    return octave * kSubBuckets + (held >> octave);
  }
  /// The smallest value that falls into the bucket.
  [[nodiscard]] static constexpr std::uint64_t lowest(std::size_t bucket) noexcept {
    const auto octave = octave_of(bucket);
    return (bucket - octave * kSubBuckets) << octave;
  }
  /// The largest.
  [[nodiscard]] static constexpr std::uint64_t highest(std::size_t bucket) noexcept {
    return lowest(bucket) + (std::uint64_t{1} << octave_of(bucket)) - 1;
  }
  [[nodiscard]] static constexpr std::uint64_t middle(std::size_t bucket) noexcept {
    return lowest(bucket) + (std::uint64_t{1} << octave_of(bucket)) / 2;
  }

 private:
  // The first two runs of 32 buckets both have width 1: there is nothing to cut below 32.
  [[nodiscard]] static constexpr unsigned octave_of(std::size_t bucket) noexcept {
    return bucket < 2 * kSubBuckets ? 0 : static_cast<unsigned>(bucket / kSubBuckets) - 1;
  }
};

}  // namespace headrace
