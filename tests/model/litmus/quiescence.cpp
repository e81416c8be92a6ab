#include "headrace/route/quiescence.hpp"

#include <array>

#include "harness/litmus.hpp"

namespace headrace::model {
namespace {

/// Stands for a routing table: reading a freed one is a read of what was never written.
struct Route {
  explicit Route(int v) : value(v) {}
  Plain<int> value;
};

// A reader enters again and again; the writer replaces the route twice and frees the old one after each grace
// period.
struct Reclaims : Litmus<Reclaims, 3> {
  std::array<RouteReader, 2> readers;
  Atomic<Route*> current{new Route(1)};

  void thread(unsigned index) {
    if (index < 2) {
      for (int i = 0; i < 2; ++i) {
        readers[index].enter();
        require(current.load(std::memory_order_acquire)->value.get() > 0, "a route that is read is alive");
        readers[index].leave();
      }
      return;
    }
    for (int i = 2; i <= 3; ++i) {
      Route* old = current.exchange(new Route(i), std::memory_order_acq_rel);
      GracePeriod grace(std::array<const RouteReader*, 2>{&readers[0], &readers[1]});
      while (!grace.elapsed()) pause();
      old->value.set(0);
      delete old;
    }
  }
  void after() { delete current.load(std::memory_order_relaxed); }
};
const Register<Reclaims> reclaims{"quiescence.reclaims",
                                  "A route is freed only after all who could hold it left."};

// How intake closes: a publisher is inside while it publishes, and asks first whether it may. Whoever closed, and
// saw all outside, sees all that was published.
struct Closes : Litmus<Closes, 3> {
  std::array<RouteReader, 2> publishers;
  std::array<Plain<int>, 2> published;
  Atomic<bool> closed{false};

  void thread(unsigned index) {
    if (index < 2) {
      for (int i = 1; i <= 2; ++i) {
        publishers[index].enter();
        if (!closed.load(std::memory_order_relaxed)) published[index].set(i);
        publishers[index].leave();
      }
      return;
    }
    closed.store(true, std::memory_order_relaxed);
    asymmetric_fence_heavy();
    for (std::size_t i = 0; i < 2; ++i) {
      while (publishers[i].turn() % 2 == 1) pause();
      require(published[i].get() <= 2, "nobody publishes any more");
    }
  }
};
const Register<Closes> closes{"quiescence.closes", "After intake has closed and all are outside, nothing enters."};

}  // namespace
}  // namespace headrace::model
