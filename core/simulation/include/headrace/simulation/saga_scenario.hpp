#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "headrace/process/saga.hpp"
#include "headrace/process/saga_runner.hpp"
#include "headrace/simulation/simulated_time.hpp"

namespace headrace {

/// One test of a saga: given how its steps behave, when it is started, answered or left alone for a while, then
/// these steps ran, and it ended so.
///
///     const std::string wrong = hr::SagaScenario(order_saga(warehouse, carrier))
///         .given_action("charge", {hr::StepAnswer::retry("no line"), hr::StepAnswer::refuse("no money")})
///         .when_started("7", "two books")
///         .when_time_passes(1s)
///         .then_runs("7", {"reserve", "charge", "charge", "undo reserve"})
///         .then_ends("7", hr::SagaPhase::compensated)
///         .run();
///
/// Nothing runs before run(), which may be called again: each run has a runner and stores in memory of its own.
/// Whatever the steps keep outside is theirs to reset.
///
/// Time:    stands still, but for when_time_passes(): a retry or a deadline comes when its time does.
/// Steps:   those that were given no answers, and those whose answers have run out, call the table's functions. One
///          runs at a time, also of those that the table has side by side.
/// Threads: one.
class SagaScenario {
 public:
  explicit SagaScenario(Saga saga) : saga_(std::move(saga)) {}

  /// What the step's action answers, call by call, in place of being called.
  SagaScenario& given_action(const std::string& step, std::vector<StepAnswer> answers) {
    answers_.emplace_back(step, std::move(answers));
    return *this;
  }
  /// The same of its compensation.
  SagaScenario& given_compensation(const std::string& step, std::vector<StepAnswer> answers) {
    return given_action(undo(step), std::move(answers));
  }

  SagaScenario& when_started(std::string id, std::string input = {});
  /// Somebody answers a step whose action answered wait(). It is wrong when nobody waits.
  SagaScenario& when_answered(std::string id, std::string step, StepAnswer answer);
  SagaScenario& when_time_passes(std::chrono::nanoseconds time);
  /// The process ends, and another one takes up what the store has.
  SagaScenario& when_restarted();
  SagaScenario& when_that(std::function<void()> call);

  /// Exactly these actions and, as "undo reserve", compensations of the saga were called, in this order.
  SagaScenario& then_runs(std::string id, std::vector<std::string> calls);
  SagaScenario& then_ends(std::string id, SagaPhase phase);
  /// A check of the test's own, with a name for the message.
  SagaScenario& then(std::string name, std::function<bool()> holds);

  /// What is wrong; empty: nothing is.
  [[nodiscard]] std::string run() const;

 private:
  struct Run;
  using Step = std::function<std::string(Run&)>;  ///< answers what is wrong

  static std::string undo(const std::string& step) { return "undo " + step; }

  const Saga saga_;
  std::vector<std::pair<std::string, std::vector<StepAnswer>>> answers_;
  std::vector<Step> when_;
  std::vector<Step> then_;
};

}  // namespace headrace
