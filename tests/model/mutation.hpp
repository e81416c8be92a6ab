#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <span>

#include "where.hpp"

namespace headrace::model {

/// What stands at a site: an operation on an Atomic, or a fence. The two orders of a compare-exchange are two
/// sites.
enum class Operation : std::uint8_t {
  load,
  store,
  read_modify_write,
  compare_exchange,
  compare_exchange_failure,
  fence,
  light_fence,
  heavy_fence,
};

/// One place in the sources where a memory order, or a fence, is written.
struct Site {
  const char* file = "";
  const char* function = "";
  unsigned line = 0;
  unsigned column = 0;
  Operation operation = Operation::load;
  std::memory_order order = std::memory_order_relaxed;

  [[nodiscard]] bool same_as(const Site& other) const noexcept;
};

/// One site with a weaker order. A relaxed fence does nothing: that is how a fence is removed.
struct Mutation {
  Site site{};
  std::memory_order weaker = std::memory_order_relaxed;
};

inline constexpr std::size_t kLitmusesMax = 64;
struct Sighting {
  Site site{};
  std::bitset<kLitmusesMax> litmuses{};  ///< that executed it, by their place in the registry
};

/// Every site that executions passed while recording. A fixed array: executions may not allocate.
class SiteRegistry {
 public:
  void see(const Site& site) noexcept;
  [[nodiscard]] std::span<const Sighting> sightings() const noexcept { return {sightings_.data(), count_}; }

  /// The litmus whose executions are recorded now.
  void record_for(std::size_t litmus) noexcept { litmus_ = litmus; }

 private:
  std::array<Sighting, 1024> sightings_{};
  std::size_t count_ = 0;
  std::size_t litmus_ = 0;
};

/// What the atomics consult at every operation. One thread runs all executions, so it is plain data.
struct Control {
  SiteRegistry* registry = nullptr;    ///< not null: record
  const Mutation* mutation = nullptr;  ///< not null: execute it
};
inline Control control;

/// The orders that are weaker than the one at a site, one step after another.
[[nodiscard]] std::span<const std::memory_order> weaker_orders(Operation operation,
                                                               std::memory_order order) noexcept;

/// The order with which a site is executed: as written, unless it is the mutated one.
[[nodiscard]] inline std::memory_order executed_order(Operation operation, std::memory_order written,
                                                      const Where& where) noexcept {
  if (control.registry == nullptr && control.mutation == nullptr) [[likely]] {
    return written;
  }
  const Site here{where.file_name(), where.function_name(), where.line(), where.column(), operation, written};
  if (control.registry != nullptr) control.registry->see(here);
  return control.mutation != nullptr && control.mutation->site.same_as(here) ? control.mutation->weaker : written;
}

}  // namespace headrace::model
