#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>

#include "headrace/base/hash.hpp"
#include "headrace/bus/subscribe_options.hpp"
#include "headrace/simulation/seeded_random.hpp"

namespace headrace::sim {

using namespace std::chrono_literals;

/// What a handler does with an event at one of its tries.
struct Deed {
  enum class Kind : std::uint8_t {
    done,
    retry,
    retry_after,
    retry_at,
    dead_letter,
    park,
    throws,
    throws_for_good
  };
  Kind kind = Kind::done;
  std::chrono::nanoseconds takes{};  ///< virtual time goes on so much while it runs
  std::chrono::nanoseconds delay{};  ///< retry_after, retry_at
};

/// One seed's subscription, and what its handler will do: known to the bus's handler and to the model alike.
struct Plan {
  std::uint64_t seed;
  bool sharded = false;
  bool ordered = false;
  bool park_key = false;
  bool has_store = false;
  std::size_t letters_max = 65'536;  ///< then the oldest is dropped
  bool deduplicated = false;
  bool by_key = false;
  WhenInProgress when_in_progress = WhenInProgress::wait;
  WhenExpired when_expired = WhenExpired::drop;
  KeyOrderOptions waiting = {};
  RetryPolicy retry = {};
  std::chrono::nanoseconds time_limit = std::chrono::nanoseconds::max();  ///< of retry
  std::optional<RetryBudgetOptions> budget = {};
  std::optional<CircuitBreakerOptions> breaker = {};
  bool in_batches = false;  ///< the handler takes spans
  WhenFull when_full = WhenFull::drop_oldest;
  std::uint64_t store_downtime = 0;  ///< in a hundred moments of the first seconds
  std::uint64_t store_refusals = 0;  ///< in a hundred letters, for good
  std::uint32_t operations = 0;      ///< redrives, releases and the like
  std::uint64_t trouble = 0;         ///< in a hundred tries
  bool may_park = true;
  bool by_attempt = false;  ///< a deed depends on the attempt, not on how often the handler saw the event

  static Plan of(std::uint64_t seed, SeededRandom& random) {
    Plan plan{.seed = seed};
    plan.choose_store(random);
    plan.sharded = random.hits(500);
    plan.ordered = random.hits(600);
    plan.park_key = plan.has_store && random.hits(300);
    plan.deduplicated = random.hits(400);
    plan.by_key = random.hits(200);
    plan.when_in_progress = random.hits(500) ? WhenInProgress::wait : WhenInProgress::drop;
    plan.when_expired = random.hits(500) ? WhenExpired::drop : WhenExpired::dead_letter;
    if (random.hits(500)) {
      plan.waiting.events_max = static_cast<std::uint32_t>(random.between(1, 4));
      plan.waiting.keys_max = static_cast<std::uint32_t>(random.between(1, 3));
    } else {
      plan.waiting.events_max = 64;
      plan.waiting.keys_max = 16;
    }
    plan.waiting.when_full = static_cast<WhenRoomFull>(random.below(3));
    const auto tries = static_cast<std::uint32_t>(random.between(1, 5));
    switch (random.below(5)) {
      case 0:
        break;
      case 1:
        plan.retry = immediate(tries);
        break;
      case 2:
        plan.retry = fixed(std::chrono::microseconds(random.between(1, 9000)), tries);
        break;
      case 3:
        plan.time_limit = std::chrono::milliseconds(random.between(1, 40));
        plan.retry = linear(3ms, tries).immediately(1).within(plan.time_limit);
        break;
      default:
        plan.retry = exponential(2ms, 2.0, tries)
                         .cap(10ms)
                         .jitter(random.hits(500) ? RetryPolicy::Jitter::full : RetryPolicy::Jitter::equal);
    }
    if (random.hits(300)) {
      plan.budget = RetryBudgetOptions{.tokens_max = static_cast<std::uint32_t>(random.between(1, 8)),
                                       .tokens_per_second = static_cast<std::uint32_t>(random.below(200)),
                                       .retry_costs = static_cast<std::uint32_t>(random.between(1, 3)),
                                       .success_refunds = static_cast<std::uint32_t>(random.below(2))};
    }
    if (random.hits(400)) plan.breaker = some_breaker(random);
    plan.in_batches = random.hits(300);
    plan.trouble = random.below(60);
    return plan;
  }
  /// The same without what depends on how fast threads are: times to live, budgets, limits of time, stores that
  /// come and go, copies of other events, and rooms that give up.
  static Plan for_threads(std::uint64_t seed, SeededRandom& random) {
    Plan plan = of(seed, random);
    plan.by_attempt = true;
    plan.budget.reset();
    plan.by_key = false;
    plan.when_in_progress = WhenInProgress::wait;
    plan.waiting = {.events_max = static_cast<std::uint32_t>(random.between(1, 64)), .keys_max = 64};
    plan.letters_max = 65'536;
    plan.store_downtime = 0;
    // A key's later events go behind one that waits for its next try only if they wait for it, too.
    plan.park_key = plan.park_key && plan.ordered;
    plan.may_park = plan.ordered;
    const auto tries = static_cast<std::uint32_t>(random.between(1, 5));
    plan.retry =
        random.hits(500) ? immediate(tries) : fixed(std::chrono::microseconds(random.between(1, 900)), tries);
    plan.time_limit = std::chrono::nanoseconds::max();
    if (plan.breaker) plan.breaker->open_for = std::chrono::microseconds(random.between(1, 2000));
    return plan;
  }

  /// What the handler does when it is given the event for the nth time, in whatever life of it.
  [[nodiscard]] Deed deed(std::uint64_t value, std::uint64_t nth) const {
    SeededRandom random(mix64(seed) ^ mix64(value * 4096 + nth));
    Deed deed;
    if (random.hits(50)) deed.takes = std::chrono::microseconds(random.between(1, 4000));
    if (random.below(100) >= trouble) return deed;
    using Kind = Deed::Kind;
    constexpr Kind kKinds[] = {Kind::retry,    Kind::retry,       Kind::retry_after,
                               Kind::retry_at, Kind::dead_letter, Kind::park,
                               Kind::throws,   Kind::throws,      Kind::throws_for_good};
    deed.kind = kKinds[random.below(9)];
    if (deed.kind == Kind::park && !may_park) deed.kind = Kind::dead_letter;
    if (deed.kind == Kind::retry_after || deed.kind == Kind::retry_at)
      deed.delay = std::chrono::microseconds(random.below(5000));
    return deed;
  }
  [[nodiscard]] static constexpr std::uint64_t nth(std::uint64_t attempt, std::uint64_t phase) {
    return attempt + 64 * phase;
  }
  /// A batch handler says which event it was; else that something in the span was wrong.
  [[nodiscard]] bool names_one(std::uint64_t value, const Deed& deed) const {
    const bool threw = deed.kind == Deed::Kind::throws || deed.kind == Deed::Kind::throws_for_good;
    return !threw && mix64(seed ^ value * 3) % 4 != 0;
  }
  /// Whether the store takes letters now; it is up after the first seconds.
  [[nodiscard]] bool store_is_down(std::uint64_t now_ns) const {
    constexpr std::uint64_t kUpForGood_ns = 4'000'000'000;
    return now_ns < kUpForGood_ns && mix64(seed ^ now_ns / 30'000'000) % 100 < store_downtime;
  }
  [[nodiscard]] bool store_refuses(std::uint64_t value) const {
    return mix64(seed * 5 ^ value) % 100 < store_refusals;
  }

  [[nodiscard]] std::string about() const {
    std::ostringstream out;
    out << (sharded ? " sharded" : "") << (ordered ? " ordered" : "") << (park_key ? " park_key" : "")
        << (in_batches ? " in batches" : "") << (has_store ? " store" : "")
        << (deduplicated ? by_key ? " deduplicated by key" : " deduplicated" : "") << (budget ? " budget" : "")
        << (breaker ? " breaker" : "") << ", operations " << operations << ", down " << store_downtime
        << ", refuses " << store_refusals << ", letters " << letters_max << " when full "
        << static_cast<int>(when_full) << ", room " << waiting.events_max << " keys " << waiting.keys_max
        << " when full " << static_cast<int>(waiting.when_full) << ", tries " << retry.attempts_max();
    return out.str();
  }

 private:
  void choose_store(SeededRandom& random) {
    has_store = random.hits(700);
    if (!has_store) return;
    if (random.hits(300)) letters_max = static_cast<std::size_t>(random.between(1, 6));
    if (random.hits(500)) when_full = WhenFull::refuse;
    if (random.hits(300)) store_downtime = random.between(1, 80);
    if (random.hits(200)) store_refusals = random.between(1, 30);
    if (random.hits(500)) operations = static_cast<std::uint32_t>(random.between(1, 8));
  }
  static CircuitBreakerOptions some_breaker(SeededRandom& random) {
    CircuitBreakerOptions breaker;
    if (random.hits(600)) breaker.failures_in_a_row = static_cast<std::uint32_t>(random.between(1, 4));
    if (random.hits(600)) breaker.failure_ratio = 0.1 * static_cast<double>(random.between(2, 9));
    breaker.calls_min = static_cast<std::uint32_t>(random.between(1, 6));
    breaker.window = std::chrono::milliseconds(random.between(1, 10) * 10);
    breaker.open_for = std::chrono::microseconds(random.between(1, 30'000));
    return breaker;
  }
};

}  // namespace headrace::sim
