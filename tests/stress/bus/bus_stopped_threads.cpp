#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "sanitizer.hpp"
#include "settle.hpp"
#include "stopped_thread.hpp"
#include "stress_events.hpp"

#if !HEADRACE_TEST_TSAN

namespace headrace {
namespace {

using namespace test;

constexpr std::uint64_t kProgress = 200;

/// Threads that each do one step over and over and count their steps. make_step(i) is called before any of them
/// runs: what it locks may be held by none that is stopped.
class Steppers {
 public:
  template <class MakeStep>
  Steppers(std::size_t count, MakeStep make_step) : steps_(count) {
    std::vector<decltype(make_step(std::size_t{0}))> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(make_step(i));
    for (std::size_t i = 0; i < count; ++i) {
      threads_.emplace_back([this, i, step = std::move(made[i])](const std::stop_token& over) mutable {
        while (!over.stop_requested()) {
          step();
          steps_[i].fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
  }
  [[nodiscard]] std::jthread& thread(std::size_t i) { return threads_[i]; }
  [[nodiscard]] std::uint64_t steps(std::size_t i) const { return steps_[i].load(std::memory_order_relaxed); }

 private:
  std::vector<std::atomic<std::uint64_t>> steps_;
  std::vector<std::jthread> threads_;
};

// Claim:  a publisher that is stopped at any instruction, also between claim and commit, delays no event of
//         another one: not in a pinned group, nor sharded, nor balanced.
// Method: two publishers; one is stopped hundreds of times wherever it is, and each time the other one must
//         publish on and each group handle its events before the stopped one may go on.
TEST(BusStopped, PublisherDelaysNobody) {
  const std::uint64_t stops = stress_events() / 500'000;
  Bus bus({.workers = 2, .lane_bytes = 1 << 14});
  std::array<std::atomic<std::uint64_t>, 3> handled{};  // the second publisher's, by group
  const auto count = [&handled](std::size_t group) {
    return [&handled, group](const Tick& e) {
      if (e.key == 1) handled[group].fetch_add(1, std::memory_order_relaxed);
    };
  };
  const auto pinned = bus.subscribe<Tick>(count(0));
  const auto sharded = bus.subscribe<Tick>({.placement = Placement::sharded}, count(1));
  const auto balanced = bus.subscribe<Tick>({.placement = Placement::balanced}, count(2));
  bus.start();
  {
    Steppers publishers(2, [&bus](std::size_t key) {
      auto publisher = bus.publisher();
      // The first one learns the topic, under a lock.
      static_cast<void>(publisher.publish(Tick{.key = key, .value = 0}).status());
      return [publisher = std::move(publisher), key, value = std::uint64_t{0}]() mutable {
        static_cast<void>(publisher.publish(Tick{.key = key, .value = ++value}).status());
      };
    });
    for (std::uint64_t stop = 0; stop < stops; ++stop) {
      const StoppedThread stopped(publishers.thread(0));
      const std::uint64_t published = publishers.steps(1);
      yield_until([&] { return publishers.steps(1) >= published + kProgress; });
      for (const auto& group : handled) {
        const std::uint64_t before = group.load(std::memory_order_relaxed);
        yield_until([&] { return group.load(std::memory_order_relaxed) >= before + kProgress; });
      }
    }
  }
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(ledger.handled, ledger.published);
}

// Claim:  the stops above do reach the moments that matter.
// Method: the same with a lock around the step: a thread stopped inside it must be seen to keep the other from
//         going on.
TEST(BusStopped, LockIsFoundOut) {
  std::mutex lock;
  std::atomic<bool> inside{false};
  Steppers steppers(2, [&](std::size_t) {
    return [&] {
      const std::lock_guard hold(lock);
      inside.store(true);
      inside.store(false);
    };
  });
  bool found = false;
  while (!found) {
    const StoppedThread stopped(steppers.thread(0));
    const std::uint64_t before = steppers.steps(1);
    for (int i = 0; i < 100 && steppers.steps(1) < before + kProgress; ++i) std::this_thread::yield();
    found = inside.load() && steppers.steps(1) < before + kProgress;
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace headrace

#endif
