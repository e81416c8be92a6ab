#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "headrace/bus/bus.hpp"
#include "sanitizer.hpp"
#include "settle.hpp"
#include "stalls.hpp"
#include "stopped_thread.hpp"
#include "stress_events.hpp"

namespace headrace {
namespace {

using namespace test;

constexpr std::uint32_t kPublishers = 8;
constexpr unsigned kWorkersOfOrder = 4;
constexpr std::uint32_t kKeys = 16;  // shared by all publishers

/// One serial number for each kind of group, so that each can tell whether one is missing, late or double.
struct Serials {
  std::uint32_t publisher;
  std::uint32_t key;
  std::uint32_t pinned;    ///< of this publisher's events for pinned groups
  std::uint32_t sharded;   ///< of its events with this key for sharded groups
  std::uint32_t balanced;  ///< of its events for balanced groups
};

/// A trivially copyable event.
struct Copied : Serials {};
HEADRACE_EVENT(Copied, "stress.copied", key(key))

/// One that is built between a publisher's claim of its place and its publishing: there it stalls.
struct Built : Serials {
  explicit Built(const Serials& serials) : Serials(serials) {}
  Built(const Built& other) : Serials(stalled(other)) {}
  Built(Built&& other) noexcept : Serials(stalled(other)) {}
  Built& operator=(const Built&) = default;
  Built& operator=(Built&&) = default;
  ~Built() {}

  static inline thread_local std::optional<Stalls> stalls;

 private:
  static const Serials& stalled(const Serials& serials) {
    if (stalls) stalls->maybe();
    return serials;
  }
};
HEADRACE_EVENT(Built, "stress.built", key(key))

/// What the groups saw. Everything is written by one worker at a time, but for the balanced group's bits.
class Seen {
 public:
  explicit Seen(std::uint64_t each) : each_(each), balanced_(kPublishers * each / 64 + 1) {}

  void by_pinned(const Serials& e) { expect(whole(e) && e.pinned == pinned_[e.publisher]++); }
  void by_sharded(const Serials& e) { expect(whole(e) && e.sharded == sharded_[e.key][e.publisher]++); }
  void by_balanced(const Serials& e) {
    if (!whole(e)) return expect(false);
    const std::uint64_t at = e.publisher * each_ + e.balanced;
    const std::uint64_t bit = std::uint64_t{1} << at % 64;
    expect((balanced_[at / 64].fetch_or(bit, std::memory_order_relaxed) & bit) == 0);
    balanced_seen_.fetch_add(1, std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint64_t wrong() const { return wrong_.load(); }
  [[nodiscard]] std::uint64_t pinned(std::uint32_t publisher) const { return pinned_[publisher]; }
  [[nodiscard]] std::uint64_t sharded() const {
    std::uint64_t all = 0;
    for (const auto& of_key : sharded_) {
      for (const std::uint32_t count : of_key) all += count;
    }
    return all;
  }
  [[nodiscard]] std::uint64_t balanced() const { return balanced_seen_.load(); }

 private:
  [[nodiscard]] bool whole(const Serials& e) const {
    return e.publisher < kPublishers && e.key < kKeys && e.balanced < each_;
  }
  void expect(bool holds) {
    if (!holds) wrong_.fetch_add(1);
  }

  std::uint64_t each_;
  std::array<std::uint32_t, kPublishers> pinned_{};
  struct alignas(64) OfKey : std::array<std::uint32_t, kPublishers> {};
  std::array<OfKey, kKeys> sharded_{};
  std::vector<std::atomic<std::uint64_t>> balanced_;
  std::atomic<std::uint64_t> balanced_seen_{0};
  std::atomic<std::uint64_t> wrong_{0};
};

/// Each level of a topic names the groups that take it.
constexpr std::array<const char*, 4> kTopics = {"pinned/-/-", "-/sharded/-", "-/-/balanced",
                                                "pinned/sharded/balanced"};

/// Every second publisher publishes runs of one topic, which extend open frames; the others change with each event.
constexpr std::uint64_t kRun = 64;
constexpr std::uint64_t kRound = kRun * kTopics.size();
/// How many of a publisher's events a kind of group gets in whole rounds.
constexpr std::uint64_t share_of(std::uint64_t each) { return each / 2; }

template <class EventType>
void publish_in_turn(Publisher& publisher, std::uint32_t number, std::uint64_t each, Stalls& stalls) {
  Serials next{.publisher = number, .key = 0, .pinned = 0, .sharded = 0, .balanced = 0};
  std::array<std::uint32_t, kKeys> of_key{};
  std::minstd_rand random(number + 1);
  for (std::uint64_t i = 0; i < each; ++i) {
    const std::size_t topic = (number % 2 == 0 ? i : i / kRun) % kTopics.size();
    const bool all = topic == 3;
    next.key = static_cast<std::uint32_t>(random() >> 8) % kKeys;
    next.sharded = of_key[next.key];
    const EventType event{next};
    if (!publisher.publish(kTopics[topic], event)) std::abort();
    if (all || topic == 0) ++next.pinned;
    if (all || topic == 1) ++of_key[next.key];
    if (all || topic == 2) ++next.balanced;
    if (i % 32 == 0) stalls.maybe();
  }
}

/// Stops one of the threads after another, wherever each is, and lets it go on after others have run.
class Stopper {
 public:
  explicit Stopper(std::vector<pthread_t> victims)
      : thread_([victims = std::move(victims), this](const std::stop_token& over) {
          std::minstd_rand random(5);
          while (!over.stop_requested()) {
            const StoppedThread stopped(victims[random() % victims.size()]);
            for (std::uint32_t yields = random() % 64; yields > 0; --yields) std::this_thread::yield();
            ++stops_;
          }
        }) {}
  /// Answers how often it did.
  std::uint64_t end() {
    thread_.request_stop();
    thread_.join();
    return stops_;
  }

 private:
  std::uint64_t stops_ = 0;
  std::jthread thread_;
};

/// Three kinds of groups, eight publishers, one thread that stops them.
template <class EventType>
void run_with_stopped_threads(std::uint64_t events) {
  const std::uint64_t each = (events / kPublishers + kRound - 1) / kRound * kRound;
  Seen seen(each);
  Bus bus({.workers = kWorkersOfOrder, .lane_bytes = 1 << 14});
  const auto pinned = bus.subscribe<EventType>({.filter = "pinned/+/+", .worker = 1},
                                               [&](const EventType& e) { seen.by_pinned(e); });
  const auto sharded = bus.subscribe<EventType>({.filter = "+/sharded/+", .placement = Placement::sharded},
                                                [&](const EventType& e) { seen.by_sharded(e); });
  const auto balanced = bus.subscribe<EventType>({.filter = "+/+/balanced", .placement = Placement::balanced},
                                                 [&](const EventType& e) { seen.by_balanced(e); });
  bus.start();
  std::uint64_t stops = 0;
  {
    std::atomic<std::uint32_t> ended{0};
    std::atomic<bool> may_leave{false};  // a thread that has gone cannot be stopped
    std::vector<std::jthread> threads;
    std::vector<pthread_t> victims;
    for (std::uint32_t number = 0; number < kPublishers; ++number) {
      threads.emplace_back([&, number] {
        Stalls stalls(100 + number);
        Publisher publisher = bus.publisher();
        Built::stalls.emplace(200 + number);
        publish_in_turn<EventType>(publisher, number, each, stalls);
        Built::stalls.reset();
        ended.fetch_add(1);
        may_leave.wait(false);
      });
      victims.push_back(threads.back().native_handle());
    }
#if HEADRACE_TEST_TSAN
    yield_until([&] { return ended.load() == kPublishers; });
#else
    Stopper stopper(std::move(victims));
    yield_until([&] { return ended.load() == kPublishers; });
    stops = stopper.end();
    EXPECT_GT(stops, 0U);
#endif
    may_leave.store(true);
    may_leave.notify_all();
  }
  const Ledger ledger = stop_drained(bus);
  const std::uint64_t share = share_of(each);
  EXPECT_EQ(ledger.handled, 3 * share * kPublishers);
  EXPECT_EQ(ledger.handled, ledger.published);
  EXPECT_EQ(seen.wrong(), 0U);
  for (std::uint32_t number = 0; number < kPublishers; ++number) EXPECT_EQ(seen.pinned(number), share);
  EXPECT_EQ(seen.sharded(), share * kPublishers);
  EXPECT_EQ(seen.balanced(), share * kPublishers);
  testing::Test::RecordProperty("stops", std::to_string(stops));
}

// Claim:  with eight publishers and four workers on fewer cores, publishers that stall and that are stopped at any
//         instruction, also between claim and publish, the order of each publisher and key holds in pinned and
//         sharded groups, and pinned, sharded and balanced groups lose and double nothing.
// Method: events go in turn, one by one or in runs, to each kind of group and to all of them at once; each event has a
//         serial number for each kind. A thread stops one publisher after another by a signal.
TEST(StoppedOrderStress, PublishersStoppedAnywhereLoseNothing) {
  run_with_stopped_threads<Copied>(long_stress_events());
}

// Claim:  the same of events that are built in place, with a stall there: right between claim and publish.
// Method: the event's constructor stalls on a publisher's thread.
TEST(StoppedOrderStress, PublishersThatStallBetweenClaimAndPublishLoseNothing) {
  run_with_stopped_threads<Built>(long_stress_events());
}

}  // namespace
}  // namespace headrace
