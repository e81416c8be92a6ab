#include "headrace/simulation/scenario.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headrace {
namespace {

using namespace std::chrono_literals;

struct Ordered {
  std::uint64_t order = 0;
  std::uint64_t cents = 0;
};
HEADRACE_EVENT(Ordered, "scenario.ordered", key(order), order, cents)

struct Charged {
  std::uint64_t order = 0;
  friend bool operator==(const Charged&, const Charged&) = default;
};
HEADRACE_EVENT(Charged, "scenario.charged", key(order), order)

struct Shipped {
  std::uint64_t order = 0;
  friend bool operator==(const Shipped&, const Shipped&) = default;
};
HEADRACE_EVENT(Shipped, "scenario.shipped", order)

const SubscribeOptions kCharge{.name = "charge", .retry = fixed(1s, 3)};
const SubscribeOptions kShip{.name = "ship"};

/// Charges an order, then ships it; one of no cents is given up; one while the bank is down is tried again.
struct Shop {
  bool bank_is_down = false;

  Scenario scenario() {
    Scenario made;
    made.handler<Ordered>(kCharge, [this](const Ordered& ordered, Context& context) -> Outcome {
      if (ordered.cents == 0) return dead_letter("nothing to pay");
      if (bank_is_down) return retry("the bank is down");
      return context.publish(Charged{ordered.order}) ? done() : retry();
    });
    made.handler<Charged>(kShip, [](const Charged& charged, Context& context) {
      EXPECT_TRUE(context.publish(Shipped{charged.order}));
    });
    return made;
  }
};

// Claim:  what follows from `when` is compared in order, over several handlers; what followed from `given` is not.
// Method: an order before, one now; the right expectation and each kind of wrong one.
TEST(Scenario, ComparesWhatFollows) {
  Shop shop;
  const auto begin = [&] { return shop.scenario().given(Ordered{1, 10}).when(Ordered{2, 10}); };
  EXPECT_EQ(begin().then_publishes(Charged{2}, Shipped{2}).run(), "");
  const auto wrong = [&](Scenario scenario) {
    std::string text = scenario.run();
    return text.substr(0, text.find('\n'));
  };
  EXPECT_EQ(wrong(begin().then_publishes()), "event 1 that follows: expected nothing more, got scenario.charged");
  EXPECT_EQ(wrong(begin().then_publishes(Charged{2})),
            "event 2 that follows: expected nothing more, got scenario.shipped");
  EXPECT_EQ(wrong(begin().then_publishes(Charged{2}, Shipped{3})),
            "event 2 that follows: scenario.shipped has other values");
  EXPECT_EQ(wrong(begin().then_publishes(Shipped{2}, Charged{2})),
            "event 1 that follows: expected scenario.shipped, got scenario.charged");
  EXPECT_EQ(wrong(begin().then_publishes(Charged{2}, Shipped{2}, Charged{5})),
            "event 3 that follows: expected scenario.charged of 5, got nothing more");
}

// Claim:  time stands still until the scenario lets it pass: a retry comes then; it may be run again, and replays.
// Method: the bank comes back between two tries.
TEST(Scenario, RetriesComeWhenTimePasses) {
  Shop shop;
  const auto begin = [&] {
    return shop.scenario().given_that([&] { shop.bank_is_down = true; }).when(Ordered{1, 10});
  };
  EXPECT_EQ(begin().then_publishes().run(), "");
  auto comes_back = begin().when_that([&] { shop.bank_is_down = false; });
  EXPECT_EQ(Scenario(comes_back).then_publishes().run(), "");
  comes_back.when_time_passes(1s).then_publishes(Charged{1}, Shipped{1});
  EXPECT_EQ(comes_back.run(), "");
  EXPECT_EQ(comes_back.run(7), "");
}

// Claim:  reasons of what is given up are compared, but for what was given up before; checks of the test's own are
//         named when they fail.
// Method: an order of nothing in `given`, another in `when`.
TEST(Scenario, ComparesWhatIsGivenUp) {
  Shop shop;
  const auto begin = [&] { return shop.scenario().given(Ordered{1, 0}).when(Ordered{2, 0}); };
  EXPECT_EQ(begin().then_gives_up({"nothing to pay"}).then_publishes().run(), "");
  EXPECT_NE(begin().then_gives_up({}).run().find("expected none, got 'nothing to pay'"), std::string::npos);
  EXPECT_EQ(begin().then("the bank is up", [&] { return !shop.bank_is_down; }).run(), "");
  EXPECT_NE(begin().then("the bank is down", [&] { return shop.bank_is_down; }).run().find("the bank is down"),
            std::string::npos);
}

}  // namespace
}  // namespace headrace
