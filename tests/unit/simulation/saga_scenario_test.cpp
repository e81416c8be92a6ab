#include "headrace/simulation/saga_scenario.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headrace {
namespace {

using namespace std::chrono_literals;

SagaStep step_that_works(const char* name) {
  SagaStep step;
  step.name = name;
  step.action = [](const StepCall&) { return StepAnswer::done(); };
  step.compensation = step.action;
  step.retry = fixed(1s, 3);
  return step;
}

SagaScenario three_steps() {
  SagaStep last = step_that_works("c");
  last.action = [](const StepCall&) { return StepAnswer::wait(); };
  last.deadline = 1h;
  return SagaScenario(Saga{"abc", 1, {step_that_works("a"), step_that_works("b"), last}});
}

// Claim:  answers that were given come in place of the step's own, call by call, of actions and of compensations; then
//         the step's own function is called again. Calls and ends are compared, each saga's by itself.
// Method: the second step fails twice and refuses, the first one's compensation fails once.
TEST(SagaScenario, PlaysTheAnswersAndComparesTheCalls) {
  const auto begin = [] {
    return three_steps()
        .given_action("b", {StepAnswer::retry("1"), StepAnswer::retry("2"), StepAnswer::refuse("3")})
        .given_compensation("a", {StepAnswer::retry("4")})
        .when_started("1", "x")
        .when_time_passes(10s)
        .when_started("2");
  };
  EXPECT_EQ(begin()
                .then_runs("1", {"a", "b", "b", "b", "undo a", "undo a"})
                .then_ends("1", SagaPhase::compensated)
                .then_runs("2", {"a", "b", "c"})
                .then_ends("2", SagaPhase::running)
                .run(),
            "");
  EXPECT_EQ(begin().then_runs("1", {"a"}).run(), "saga 1: expected the calls a; were a, b, b, b, undo a, undo a");
  EXPECT_EQ(begin().then_ends("1", SagaPhase::completed).run(), "saga 1: expected completed, is compensated: b: 3");
  EXPECT_EQ(begin().then_ends("3", SagaPhase::completed).run(), "there is no saga 3");
  EXPECT_EQ(begin().then("it is so", [] { return false; }).run(), "does not hold: it is so");
}

// Claim:  time stands still until it passes: a retry comes then, and no sooner.
TEST(SagaScenario, RetriesComeWhenTimePasses) {
  const auto begin = [] { return three_steps().given_action("b", {StepAnswer::retry("no")}).when_started("1"); };
  EXPECT_EQ(begin().then_runs("1", {"a", "b"}).run(), "");
  EXPECT_EQ(begin().when_time_passes(999ms).then_runs("1", {"a", "b"}).run(), "");
  const SagaScenario passes = begin().when_time_passes(1s).then_runs("1", {"a", "b", "b", "c"});
  EXPECT_EQ(passes.run(), "");
  EXPECT_EQ(passes.run(), "");
}

// Claim:  a saga goes on after a restart, is answered, and ends by its deadline if nobody answers; an answer that
//         nobody waits for, a step that is not there and a saga that was started before are wrong.
TEST(SagaScenario, AnswersRestartsAndDeadlines) {
  const auto begin = [] { return three_steps().when_started("1").when_restarted(); };
  EXPECT_EQ(begin().when_answered("1", "c", StepAnswer::done()).then_ends("1", SagaPhase::completed).run(), "");
  EXPECT_EQ(begin().when_time_passes(1h).then_ends("1", SagaPhase::compensated).run(), "");
  EXPECT_EQ(begin().when_answered("1", "a", StepAnswer::done()).run(),
            "step a of saga 1 does not wait for an answer");
  EXPECT_EQ(begin().when_answered("2", "a", StepAnswer::done()).run(), "step a of saga 2 was not called");
  EXPECT_EQ(begin().when_started("1").run(), "saga 1 was started before");
  EXPECT_EQ(begin().given_action("d", {}).run(), "no step is called d");
  EXPECT_NE(SagaScenario(Saga{}).run(), "");
}

}  // namespace
}  // namespace headrace
