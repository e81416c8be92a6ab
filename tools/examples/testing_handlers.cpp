// A handler and its test: the real bus on virtual time, where a second of retries takes no time, and every
// interleaving and fault comes from a seed.

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "headrace/headrace.hpp"
#include "headrace/simulation/scenario.hpp"
#include "headrace/simulation/seeds.hpp"
#include "headrace/simulation/simulated_bus.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct OrderPlaced {
  std::uint64_t order, customer, total_cents;
};
HEADRACE_EVENT(OrderPlaced, "orders.placed", key(customer), order, customer, total_cents)

struct OrderShipped {
  std::uint64_t order;
  friend bool operator==(const OrderShipped&, const OrderShipped&) = default;
};
HEADRACE_EVENT(OrderShipped, "orders.shipped", order)

/// What is to be tested: charges a customer, whose bank may be down for a while.
struct Billing {
  bool bank_is_down = false;
  std::map<std::uint64_t, std::vector<std::uint64_t>> charged;  ///< orders, by customer

  hr::Outcome operator()(const OrderPlaced& placed) {
    if (bank_is_down) return hr::retry("the bank does not answer");
    charged[placed.customer].push_back(placed.order);
    return hr::done();
  }
};

const hr::SubscribeOptions kBilling{.ordered = true, .retry = hr::exponential(100ms, 2.0, 8)};

const hr::SubscribeOptions kShipping{.name = "shipping", .retry = hr::fixed(1s, 3)};

// Given, when, then: an order of something is shipped, one of nothing is given up.
std::string ships_what_is_paid_for() {
  return hr::Scenario{}
      .handler<OrderPlaced>(kShipping,
                            [](const OrderPlaced& placed, hr::Context& context) -> hr::Outcome {
                              if (placed.total_cents == 0) return hr::dead_letter("nothing to pay");
                              return context.publish(OrderShipped{placed.order}) ? hr::done() : hr::retry();
                            })
      .given(OrderPlaced{1, 7, 1999})
      .when(OrderPlaced{2, 7, 500})
      .when(OrderPlaced{3, 7, 0})
      .then_publishes(OrderShipped{2})
      .then_gives_up({"nothing to pay"})
      .run();
}

// The bank is down for a second: what was ordered meanwhile is charged afterwards.
bool charges_after_an_outage() {
  hr::SimulatedBus sim;
  Billing billing{.bank_is_down = true, .charged = {}};
  auto subscription =
      sim.subscribe<OrderPlaced>(kBilling, [&](const OrderPlaced& placed) { return billing(placed); });
  sim.publisher().publish(OrderPlaced{1, 7, 1999});
  sim.after(1s, [&] { billing.bank_is_down = false; });
  sim.advance(1s);
  if (!billing.charged[7].empty()) return false;
  sim.advance(1s);
  return billing.charged[7].size() == 1;
}

// Whatever goes wrong, each customer's orders are charged once and in order. Answers what is wrong, or nothing.
std::string keeps_the_order_of_a_customer(std::uint64_t seed) {
  hr::SimulatedBus sim{{.seed = seed, .faults = {.stall = 50, .throws = 100, .slow = 50, .reorder = 100}}};
  Billing billing;
  auto subscription =
      sim.subscribe<OrderPlaced>(kBilling, [&](const OrderPlaced& placed) { return billing(placed); });
  hr::SimulatedPublisher& shop = sim.publisher();
  for (std::uint64_t order = 1; order <= 40; ++order) shop.publish(OrderPlaced{order, order % 4, 100});
  if (!sim.run_until_quiet()) return "it does not become quiet";

  const hr::Ledger ledger = sim.bus().snapshot().ledger;
  for (std::uint64_t customer = 0; customer < 4; ++customer) {
    const auto& orders = billing.charged[customer];
    for (std::size_t i = 1; i < orders.size(); ++i) {
      if (orders[i] <= orders[i - 1]) return "out of order\n" + sim.describe();
    }
  }
  return ledger.handled + ledger.failed == 40 ? "" : "an order is missing: " + to_string(ledger);
}

int main() {
  if (const std::string wrong = ships_what_is_paid_for(); !wrong.empty()) {
    std::printf("%s\n", wrong.c_str());
    return 1;
  }
  if (!charges_after_an_outage()) return 1;
  const std::string wrong = hr::for_each_seed(200, keeps_the_order_of_a_customer);
  std::printf("%s\n", wrong.empty() ? "200 seeds, all well" : wrong.c_str());
  return wrong.empty() ? 0 : 1;
}
