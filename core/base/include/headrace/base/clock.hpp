#pragma once

#include <cstdint>

namespace headrace {

/// The core's free-running counter: TSC on x86, CNTVCT_EL0 on ARM64.
///
/// The read is unordered: neighbouring instructions may move across it, by tens of nanoseconds at worst. A fence
/// (`lfence`, `isb`) would cost more than what it corrects in a latency histogram.
/// Limits: differences are meaningful across cores only where the counter is invariant and synchronised, as on
///         every x86 server since 2008 and by architecture on ARM64.
/// @thread any  @progress wait-free  @alloc none
[[nodiscard]] inline std::uint64_t cycles() noexcept {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  std::uint64_t count;
  asm volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
#else
#error "headrace: no cycle counter is known for this architecture"
#endif
}

/// CLOCK_MONOTONIC in nanoseconds: for deadlines and for whatever leaves the process.
/// @thread any
[[nodiscard]] std::uint64_t steady_ns() noexcept;

/// The scale between cycles() and nanoseconds.
class CycleClock {
 public:
  explicit CycleClock(double cycles_per_second) noexcept;

  /// This machine's. The first call finds it: from CNTFRQ_EL0 on ARM64; on x86 by measuring for 5 ms against
  /// CLOCK_MONOTONIC, to about 10 ppm. (CPUID leaf 0x15 is zero on AMD and under most hypervisors.)
  /// @thread any; start-up calls it once so that no event pays for it
  [[nodiscard]] static const CycleClock& machine();

  [[nodiscard]] std::uint64_t to_ns(std::uint64_t count) const noexcept { return scale(count, ns_per_cycle_); }
  [[nodiscard]] std::uint64_t to_cycles(std::uint64_t ns) const noexcept { return scale(ns, cycles_per_ns_); }
  [[nodiscard]] double cycles_per_second() const noexcept { return cycles_per_second_; }

 private:
  // Factors are fixed point with 32 fractional bits; the product needs 128 bits to stay exact over years.
  [[nodiscard]] static std::uint64_t scale(std::uint64_t value, std::uint64_t factor) noexcept {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(value) * factor) >> 32);
  }

  double cycles_per_second_;
  std::uint64_t ns_per_cycle_;
  std::uint64_t cycles_per_ns_;
};

/// For differences of cycles(); the absolute value has no meaning outside this machine's run.
[[nodiscard]] inline std::uint64_t cycles_to_ns(std::uint64_t count) { return CycleClock::machine().to_ns(count); }

}  // namespace headrace
