#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

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
  std::optional<RetryBudgetOptions> budget = {};
  std::uint64_t trouble = 0;  ///< in a hundred tries

  static Plan of(std::uint64_t seed, SeededRandom& random) {
    Plan plan{.seed = seed};
    plan.sharded = random.hits(500);
    plan.ordered = random.hits(600);
    plan.has_store = random.hits(700);
    plan.park_key = plan.has_store && random.hits(300);
    if (random.hits(300)) plan.letters_max = static_cast<std::size_t>(random.between(1, 6));
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
        plan.retry = linear(3ms, tries).immediately(1).within(40ms);
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
    plan.trouble = random.below(60);
    return plan;
  }

  [[nodiscard]] Deed deed(std::uint64_t value, std::uint32_t attempt) const {
    SeededRandom random(mix64(seed) ^ mix64(value * 64 + attempt));
    Deed deed;
    if (random.hits(50)) deed.takes = std::chrono::microseconds(random.between(1, 4000));
    if (random.below(100) >= trouble) return deed;
    using Kind = Deed::Kind;
    constexpr Kind kKinds[] = {Kind::retry,    Kind::retry,       Kind::retry_after,
                               Kind::retry_at, Kind::dead_letter, Kind::park,
                               Kind::throws,   Kind::throws,      Kind::throws_for_good};
    deed.kind = kKinds[random.below(9)];
    if (deed.kind == Kind::retry_after || deed.kind == Kind::retry_at)
      deed.delay = std::chrono::microseconds(random.below(5000));
    return deed;
  }
};

}  // namespace headrace::sim
