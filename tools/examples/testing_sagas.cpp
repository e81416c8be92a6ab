// A saga and its test: what its steps answer is given, time passes at once, and a restart is one line.

#include <cstdio>
#include <string>

#include "headrace/delivery/retry_policy.hpp"
#include "headrace/process/saga.hpp"
#include "headrace/simulation/saga_scenario.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

// What is to be tested: an order reserves stock, takes the money, and waits for the carrier.
hr::Saga order_saga() {
  const auto works = [](const hr::StepCall&) { return hr::StepAnswer::done(); };
  hr::Saga saga;
  saga.name = "order";
  saga.steps = {
      {.name = "reserve", .action = works, .compensation = works},
      {.name = "charge",
       .action = works,
       .compensation = works,
       .deadline = 5min,
       .retry = hr::exponential(1s, 2.0, 3)},
      {.name = "ship", .action = [](const hr::StepCall&) { return hr::StepAnswer::wait(); }, .deadline = 48h},
  };
  return saga;
}

// Without money the stock goes back.
std::string releases_what_cannot_be_paid_for() {
  return hr::SagaScenario(order_saga())
      .given_action("charge", {hr::StepAnswer::retry("no line"), hr::StepAnswer::refuse("no money")})
      .when_started("7", "two books")
      .when_time_passes(1s)
      .then_runs("7", {"reserve", "charge", "charge", "undo reserve"})
      .then_ends("7", hr::SagaPhase::compensated)
      .run();
}

// A carrier that answers ends the order, also when the program was started anew meanwhile; one that does not answer
// in two days does not keep the money.
std::string waits_for_the_carrier() {
  return hr::SagaScenario(order_saga())
      .when_started("7")
      .when_started("8")
      .when_restarted()
      .when_answered("7", "ship", hr::StepAnswer::done("parcel 99"))
      .when_time_passes(48h)
      .then_ends("7", hr::SagaPhase::completed)
      .then_runs("8", {"reserve", "charge", "ship", "ship", "undo charge", "undo reserve"})
      .then_ends("8", hr::SagaPhase::compensated)
      .run();
}

int main() {
  int failed = 0;
  for (const auto test : {releases_what_cannot_be_paid_for, waits_for_the_carrier}) {
    const std::string wrong = test();
    if (wrong.empty()) continue;
    ++failed;
    std::printf("%s\n", wrong.c_str());
  }
  if (failed == 0) std::printf("both sagas end as they should\n");
  return failed;
}
