#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "headrace/base/asymmetric_fence.hpp"
#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"

namespace headrace {

/// One reader of routes: odd while it reads, even between. Entering costs a store and a compiler barrier.
///
/// Ordering:  Q1 -> Q2  with the fences F1 <-> F2: the writer sees the reader inside, or the reader sees the
///                      new route
///            Q3 -> Q2  a reader that left is done with the old route, also if Q1 of its next turn is what is seen
class RouteReader {
 public:
  /// @thread reader  @progress wait-free
  void enter() noexcept {
    // Release, for the writer may see this turn and never the end of the last one, with whose route it is done
    // then.
    turn_.store(++turn_own_, std::memory_order_release);  // Q1 -> Q2
    asymmetric_fence_light();                             // F1 <-> F2
  }
  void leave() noexcept {
    turn_.store(++turn_own_, std::memory_order_release);  // Q3 -> Q2
  }
  /// @thread any
  [[nodiscard]] std::uint64_t turn() const noexcept {
    return turn_.load(std::memory_order_acquire);  // Q2 <- Q1, Q3
  }

 private:
  // owner: reader
  alignas(kNoSharingBytes) Atomic<std::uint64_t> turn_{0};
  std::uint64_t turn_own_ = 0;
};

/// Tells when every reader that could hold an old route has let go of it (quiescent-state reclamation: McKenney
/// and Slingwine, 1998). Start it after the new route was published; nothing waits, elapsed() is asked now and
/// then.
class GracePeriod {
 public:
  /// `readers` must not shrink; readers added later cannot hold what was unpublished before.
  template <class Readers>
  explicit GracePeriod(const Readers& readers) {
    asymmetric_fence_heavy();  // F2 <-> F1
    for (const RouteReader* reader : readers) {
      const std::uint64_t turn = reader->turn();
      if (turn % 2 == 1) inside_.emplace_back(reader, turn);
    }
  }

  [[nodiscard]] bool elapsed() noexcept {
    std::erase_if(inside_, [](const auto& seen) { return seen.first->turn() != seen.second; });
    return inside_.empty();
  }

 private:
  std::vector<std::pair<const RouteReader*, std::uint64_t>> inside_;
};

}  // namespace headrace
