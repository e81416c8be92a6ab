#pragma once

#include <cstdint>
#include <type_traits>

#include "headrace/headrace.hpp"

namespace headrace::bench {

/// What every bus carries in these rows: a value that is summed, and 56 bytes that somebody would have filled.
template <int Kind>
struct Sample {
  std::uint64_t value;
  std::uint64_t rest[7];

  [[nodiscard]] static Sample of(std::uint64_t value) noexcept {
    return {value, {value, value, value, value, value, value, value}};
  }
};

struct SmallSample {
  std::uint64_t value;

  [[nodiscard]] static SmallSample of(std::uint64_t value) noexcept { return {value}; }
};

/// Goes to the worker that its key is hashed to.
struct KeyedSample {
  std::uint64_t value;
  std::uint64_t rest[7];

  [[nodiscard]] static KeyedSample of(std::uint64_t value) noexcept {
    return {value, {value, value, value, value, value, value, value}};
  }
};

static_assert(sizeof(Sample<0>) == 64 && sizeof(KeyedSample) == 64 && sizeof(SmallSample) == 8);

HEADRACE_EVENT(Sample<0>, "bench.sample.0")
HEADRACE_EVENT(Sample<1>, "bench.sample.1")
HEADRACE_EVENT(Sample<2>, "bench.sample.2")
HEADRACE_EVENT(Sample<3>, "bench.sample.3")
HEADRACE_EVENT(Sample<4>, "bench.sample.4")
HEADRACE_EVENT(Sample<5>, "bench.sample.5")
HEADRACE_EVENT(Sample<6>, "bench.sample.6")
HEADRACE_EVENT(Sample<7>, "bench.sample.7")
HEADRACE_EVENT(SmallSample, "bench.small")
HEADRACE_EVENT(KeyedSample, "bench.keyed", key(value))

/// At most so many events lie between publisher and handler, in every bus.
inline constexpr std::uint64_t kInFlightMax = 8192;

}  // namespace headrace::bench
