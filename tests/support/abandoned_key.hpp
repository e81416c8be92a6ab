#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/port/event_types.hpp"
#include "line_codec.hpp"
#include "settle.hpp"
#include "timed.hpp"

namespace headrace::test {

/// What becomes of keys whose events wait when the bus stops, over a restart with the same dead letters.
struct AbandonedKeys {
  static constexpr std::uint64_t kKeys = 8;
  /// The same letters, each time; what an earlier call answered is gone by then.
  std::function<std::shared_ptr<DeadLetterStore>()> open;

  /// One run of the program: whether handlers fail, and what they saw, a key times a hundred and the value.
  struct Run {
    explicit Run(std::shared_ptr<DeadLetterStore> store, bool fails)
        : timed({.dead_letters = std::move(store), .event_types = types()}), down(fails) {}
    static std::shared_ptr<EventTypes> types() {
      auto types = std::make_shared<EventTypes>(std::make_shared<LineCodec>());
      types->add<Tick>();
      return types;
    }
    Subscription ledger(SubscribeOptions how) {
      how.name = "ledger";
      return timed.bus.subscribe<Tick>(how, [this](const Tick& e) -> Outcome {
        if (down) return retry("down");
        seen.push_back(e.key * 100 + e.value);
        return done();
      });
    }
    void publish(std::uint64_t value) {
      for (std::uint64_t key = 1; key <= kKeys; ++key) ASSERT_TRUE(timed.bus.publish(Tick{key, value}));
      timed.run();
    }

    Timed timed;
    bool down;
    std::vector<std::uint64_t> seen;
  };

  /// Three events of each key wait when the first bus stops: for their next try, behind it, and with a breaker in
  /// its line as well. The second bus sees a fourth of each, and then releases the keys.
  void hold_their_order(const SubscribeOptions& how) const {
    {
      Run run(open(), true);
      const Subscription ledger = run.ledger(how);
      for (std::uint64_t value = 1; value <= 3; ++value) run.publish(value);
      const StopReport report = run.timed.bus.stop(std::chrono::nanoseconds(0));
      EXPECT_EQ(report.ledger, (Ledger{.published = 3 * kKeys, .dead_lettered = 3 * kKeys}));
    }
    Run run(open(), false);
    const Subscription ledger = run.ledger(how);
    run.publish(4);
    EXPECT_EQ(run.seen, (std::vector<std::uint64_t>{})) << "ran ahead of what was abandoned";
    std::vector<std::uint64_t> expected;
    for (std::uint64_t key = 1; key <= kKeys; ++key) {
      const auto released = run.timed.bus.dead_letters().release_key("ledger", std::to_string(key));
      run.timed.run();
      EXPECT_EQ(released->report().handled, 4U) << released->report().error;
      for (std::uint64_t value = 1; value <= 4; ++value) expected.push_back(key * 100 + value);
    }
    run.publish(5);
    for (std::uint64_t key = 1; key <= kKeys; ++key) expected.push_back(key * 100 + 5);
    EXPECT_EQ(run.seen, expected);
    EXPECT_EQ(stop_drained(run.timed.bus),
              (Ledger{.published = 6 * kKeys, .handled = 5 * kKeys, .dead_lettered = kKeys}));
  }
};

}  // namespace headrace::test
