#include <stdexcept>

#include "saga_world.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

class SagaTest : public SagaWorld {
 protected:
  Saga three_steps() { return {"order", 1, {step("reserve"), step("charge"), step("ship")}}; }
};

StepAnswer refuse(const StepCall&) { return StepAnswer::refuse("no money"); }
StepAnswer fail(const StepCall&) { return StepAnswer::retry("no line"); }
StepAnswer wait(const StepCall&) { return StepAnswer::wait(); }

// Claim:  steps run in the table's order, see the input and the results before theirs, and the saga is completed.
TEST_F(SagaTest, RunsItsStepsInOrder) {
  std::string seen;
  behave["ship"] = [&](const StepCall& call) {
    seen = call.input() + "|" + std::string{call.result("charge")} + "|" + call.key();
    return StepAnswer::done();
  };
  open(three_steps());
  start("7", "two books");
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"reserve", "charge", "ship"}));
  EXPECT_EQ(seen, "two books|charge of 7|order/7/ship");
  EXPECT_EQ(phase("7"), SagaPhase::completed);
  EXPECT_EQ(runner->counts().completed, 1U);
  EXPECT_EQ(runner->counts().under_way, 0U);
  EXPECT_EQ(history("saga-order-7"),
            (Lines{"started", "step_begun reserve", "step_done reserve", "step_begun charge", "step_done charge",
                   "step_begun ship", "step_done ship", "completed"}));
}

// Claim:  when a step refuses, those before it are compensated from the last to the first, itself not, later ones
//         never run, and the saga ends compensated, with the reason.
TEST_F(SagaTest, CompensatesInReverse) {
  behave["ship"] = refuse;
  open(three_steps());
  start("7");
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"reserve", "charge", "ship", "-charge", "-reserve"}));
  EXPECT_EQ(phase("7"), SagaPhase::compensated);
  EXPECT_EQ(runner->state("7")->reason, "ship: no money");
  EXPECT_EQ(runner->counts().compensated, 1U);
}

// Claim:  a step whose attempts are used up is compensated as well, for nobody knows what it did.
// Method: attempts at 0, 10 and 30 ms of simulated time.
TEST_F(SagaTest, RetriesByItsPolicyThenCompensatesItself) {
  Lines at;
  behave["charge"] = [&](const StepCall& call) {
    at.push_back(std::to_string(call.attempt()) + " at " + std::to_string(since_start() / 1ms));
    return StepAnswer::retry("no line");
  };
  open({"order", 1, {step("reserve"), step("charge", exponential(10ms, 2.0, 3)), step("ship")}});
  start("7");
  run_to_the_end();
  EXPECT_EQ(at, (Lines{"1 at 0", "2 at 10", "3 at 30"}));
  EXPECT_EQ(calls, (Lines{"reserve", "charge", "charge", "charge", "-charge", "-reserve"}));
  EXPECT_EQ(runner->state("7")->reason, "charge: no line");
}

// Claim:  what an action throws is a failed attempt, and the step goes on with the next.
TEST_F(SagaTest, ThrowingIsAFailedAttempt) {
  behave["reserve"] = [](const StepCall& call) -> StepAnswer {
    if (call.attempt() == 1) throw std::runtime_error("thrown");
    return StepAnswer::done();
  };
  open({"order", 1, {step("reserve", immediate(2))}});
  start("7");
  run_to_the_end();
  EXPECT_EQ(phase("7"), SagaPhase::completed);
  EXPECT_EQ(runner->state("7")->steps[0].error, "thrown");
}

// Claim:  steps side by side are begun together, and the step behind them waits for both.
TEST_F(SagaTest, StepsSideBySideAreBegunTogether) {
  behave["a"] = wait;
  Saga saga{"order", 1, {step("a"), step("b"), step("c")}};
  saga.steps[1].beside_previous = true;
  open(saga);
  start("7");
  EXPECT_EQ(history("saga-order-7"), (Lines{"started", "step_begun a", "step_begun b"}));
  static_cast<void>(runner->poll());
  EXPECT_EQ(calls, (Lines{"a", "b"}));
  EXPECT_EQ(*runner->answer("order/7/a", StepAnswer::done()), SagaRunner::Answered::taken);
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"a", "b", "c"}));
  EXPECT_EQ(phase("7"), SagaPhase::completed);
}

// Claim:  when one of two steps side by side fails, nothing is compensated until the other's answer is there; an
//         attempt that is still to come is given up instead.
TEST_F(SagaTest, CompensationDoesNotOvertakeANeighbour) {
  behave["a"] = wait;
  behave["b"] = refuse;
  behave["c"] = fail;
  Saga saga{"order", 1, {step("a"), step("c", fixed(1h)), step("b")}};
  saga.steps[1].beside_previous = saga.steps[2].beside_previous = true;
  open(saga);
  start("7");
  static_cast<void>(runner->poll());
  EXPECT_EQ(calls, (Lines{"a", "c", "b"}));
  EXPECT_EQ(phase("7"), SagaPhase::compensating);
  EXPECT_EQ(*runner->answer("order/7/a", StepAnswer::done()), SagaRunner::Answered::taken);
  static_cast<void>(runner->poll());
  EXPECT_EQ(since_start(), 0ms);
  EXPECT_EQ(calls, (Lines{"a", "c", "b", "-c", "-a"}));
  EXPECT_EQ(phase("7"), SagaPhase::compensated);
}

// Claim:  a step that waits is ended by the first answer under its key, also one that comes before the action has
//         returned; later ones, and those of other keys or other tables, change nothing.
TEST_F(SagaTest, WaitsForAnAnswer) {
  using Answered = SagaRunner::Answered;
  behave["reserve"] = wait;
  behave["charge"] = [&](const StepCall& call) {
    EXPECT_EQ(*runner->answer(call.key(), StepAnswer::done("early")), Answered::taken);
    return StepAnswer::wait();
  };
  open(three_steps());
  start("7");
  static_cast<void>(runner->poll());
  for (const char* key : {"order/7/ship", "order/7/charge", "order/7/reserve:undo", "order/8/reserve",
                          "order/7/none", "parcel/7/reserve", "7/reserve", "order/reserve", "order/", "7", ""}) {
    EXPECT_EQ(*runner->answer(key, StepAnswer::done()), Answered::not_wanted) << key;
  }
  EXPECT_EQ(*runner->answer("order/7/reserve", StepAnswer::wait()), Answered::not_wanted);
  EXPECT_EQ(*runner->answer("order/7/reserve", StepAnswer::done("r")), Answered::taken);
  EXPECT_EQ(*runner->answer("order/7/reserve", StepAnswer::refuse("late")), Answered::not_wanted);
  run_to_the_end();
  EXPECT_EQ(phase("7"), SagaPhase::completed);
  EXPECT_EQ(runner->state("7")->steps[0].result, "r");
  EXPECT_EQ(runner->state("7")->steps[1].result, "early");
}

// Claim:  a step without an answer by its deadline is given up then, and compensated.
TEST_F(SagaTest, DeadlinesEndWaiting) {
  behave["charge"] = wait;
  Saga saga = three_steps();
  saga.steps[1].deadline = 5min;
  open(saga);
  start("7");
  run_to_the_end();
  EXPECT_EQ(since_start(), 5min);
  EXPECT_EQ(calls, (Lines{"reserve", "charge", "-charge", "-reserve"}));
  EXPECT_EQ(*runner->answer("order/7/charge", StepAnswer::done()), SagaRunner::Answered::not_wanted);
}

// Claim:  no attempt begins behind the deadline, whatever the policy allows.
TEST_F(SagaTest, DeadlinesEndRetrying) {
  behave["reserve"] = fail;
  Saga saga{"order", 1, {step("reserve", fixed(1min))}};
  saga.steps[0].deadline = 150s;
  open(saga);
  start("7");
  run_to_the_end();
  EXPECT_EQ(since_start(), 2min);
  EXPECT_EQ(calls, (Lines{"reserve", "reserve", "reserve", "-reserve"}));
}

// Claim:  a compensation that waits is answered under a key of its own; without an answer in time it is tried
//         again.
TEST_F(SagaTest, CompensationsMayWait) {
  behave["charge"] = refuse;
  behave["-reserve"] = wait;
  Saga saga{"order", 1, {step("reserve", {}, immediate(3)), step("charge")}};
  saga.steps[0].deadline = 1min;
  open(saga);
  start("7");
  const auto next = runner->poll();
  ASSERT_EQ(next, kStart + 1min);
  now = *next;
  static_cast<void>(runner->poll());
  EXPECT_EQ(calls, (Lines{"reserve", "charge", "-reserve", "-reserve"}));
  EXPECT_EQ(*runner->answer("order/7/reserve", StepAnswer::done()), SagaRunner::Answered::not_wanted);
  EXPECT_EQ(*runner->answer("order/7/reserve:undo", StepAnswer::done()), SagaRunner::Answered::taken);
  EXPECT_EQ(phase("7"), SagaPhase::compensated);
}

// Claim:  the events of a saga belong to one transaction, and each names what caused it; steps see both.
TEST_F(SagaTest, CarriesCorrelationAndCausation) {
  const EventId order = EventId::make();
  const EventId placed = EventId::make();
  EventId correlation, causation;
  behave["ship"] = [&](const StepCall& call) {
    correlation = call.correlation();
    causation = call.causation();
    return StepAnswer::done();
  };
  open({"order", 1, {step("ship")}});
  ASSERT_TRUE(runner->start("7", {}, {order, placed}));
  run_to_the_end();
  const auto events = read_all(store);
  ASSERT_EQ(events.size(), 4U);
  for (const StoredEvent& event : events) EXPECT_EQ(event.event.envelope.correlation, order);
  const auto cause = [&](std::size_t event) { return events[event].event.envelope.causation; };
  const auto id = [&](std::size_t event) { return events[event].event.envelope.id; };
  EXPECT_EQ(cause(0), placed);
  EXPECT_EQ(cause(1), id(0));
  EXPECT_EQ(cause(2), id(1));
  EXPECT_EQ(correlation, order);
  EXPECT_EQ(causation, id(1));
}

// Claim:  a saga whose stream another table's saga has taken is not one that was there: nobody would run it.
// Method: two tables and ids whose names join to the same.
TEST_F(SagaTest, AnotherTablesStreamIsAnError) {
  open({"order", 1, {step("ship")}});
  start("cancel-7");
  run_to_the_end();
  ASSERT_EQ(*runner->start("cancel-7", {}), SagaRunner::Started::was_there);
  open({"order-cancel", 1, {step("refund")}});
  const auto met = runner->start("7", {});
  ASSERT_FALSE(met);
  EXPECT_NE(met.error().message().find("taken by the saga of another table"), std::string::npos)
      << met.error().message();
  start("8");
  run_to_the_end();
  EXPECT_EQ(phase("8"), SagaPhase::completed);
}

// Claim:  a table that cannot work is refused, and the error says which step.
TEST_F(SagaTest, WrongTablesAreRefused) {
  const auto fault = [&](auto change) {
    Saga saga = three_steps();
    change(saga);
    const auto opened = SagaRunner::open(store, letters, saga);
    return opened ? std::string{} : opened.error().message();
  };
  EXPECT_EQ(fault([](Saga& saga) { saga.name = "a.b"; }),
            "saga 'a.b': a name has 1 to 64 letters, digits, _ and -");
  EXPECT_EQ(fault([](Saga& saga) { saga.steps.clear(); }), "saga order: a saga needs a step");
  EXPECT_EQ(fault([](Saga& saga) { saga.steps[2].name = "charge"; }),
            "saga order, step 'charge': two steps have this name");
  EXPECT_EQ(fault([](Saga& saga) { saga.steps[1].action = {}; }),
            "saga order, step 'charge': a step needs an action");
  EXPECT_EQ(fault([](Saga& saga) { saga.steps[1].deadline = 0s; }),
            "saga order, step 'charge': the deadline is not above zero");
  EXPECT_EQ(fault([](Saga& saga) { saga.steps[1].retry = fixed(-1s); }),
            "saga order, step 'charge': a delay is below zero");
  EXPECT_EQ(fault([](Saga& saga) { saga.steps[0].beside_previous = true; }),
            "saga order: the first step has none before it to run beside");
  open(three_steps());
  EXPECT_FALSE(runner->start("", {}));
  EXPECT_FALSE(runner->start(std::string(513, 'x'), {}));
}

}  // namespace
}  // namespace headrace::test
