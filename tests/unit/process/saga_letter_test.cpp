#include "saga_world.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

class SagaLetter : public SagaWorld {
 protected:
  Saga table() {
    return {"order",
            1,
            {step("reserve", {}, immediate(2)), step("charge", {}, exponential(1s, 2.0, 3)), step("ship")}};
  }
  /// A saga whose charge cannot be undone, at its stand-still.
  void make_stuck(const std::string& id) {
    behave["ship"] = [](const StepCall&) { return StepAnswer::refuse("no such street"); };
    behave["-charge"] = [](const StepCall& call) {
      return StepAnswer::retry("bank \"closed\", attempt " + std::to_string(call.attempt()));
    };
    start(id, "two books\x01");
    run_to_the_end();
  }
  [[nodiscard]] DeadLetter only_letter() {
    auto all = letters.list({}, 10).value();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? DeadLetter{} : std::move(all.front());
  }
};

// Claim:  a compensation that cannot succeed ends in the dead letters, with its attempts and the saga's whole
//         history; nothing before it is undone meanwhile.
TEST_F(SagaLetter, HoldsTheWholeHistory) {
  open(table());
  make_stuck("7");
  EXPECT_EQ(phase("7"), SagaPhase::stuck);
  EXPECT_EQ(calls, (Lines{"reserve", "charge", "ship", "-charge", "-charge", "-charge"}));
  EXPECT_EQ(runner->counts().stuck, 1U);
  const DeadLetter letter = only_letter();
  EXPECT_EQ(letter.subscription, "saga order");
  EXPECT_EQ(letter.envelope.id, runner->state("7")->started);
  EXPECT_EQ(letter.envelope.key, "7");
  EXPECT_EQ(letter.reason, "the compensation of charge was given up: bank \"closed\", attempt 3");
  EXPECT_EQ(letter.attempts_made, 3U);
  ASSERT_EQ(letter.attempts.size(), 3U);
  EXPECT_EQ(letter.attempts[1].error, "bank \"closed\", attempt 2");
  EXPECT_EQ(letter.attempts[1].at, kStart + 1s);
  EXPECT_EQ(letter.first_failure, kStart);
  EXPECT_EQ(letter.last_failure, kStart + 3s);
  ASSERT_TRUE(letter.body);
  const std::string body = text_of(letter.body->bytes);
  for (const char* part :
       {R"([{"what":"saga.order.started")", R"("body":"two books\u0001")", R"("what":"saga.order.step_refused")",
        R"("error":"no such street")", R"("error":"bank \"closed\", attempt 3"}])"}) {
    EXPECT_NE(body.find(part), std::string::npos) << part << " in " << body;
  }
  std::size_t events = 0;
  for (std::size_t at = 0; (at = body.find("\"what\"", at)) != std::string::npos; ++at) ++events;
  EXPECT_EQ(events, history("saga-order-7").size());
}

// Claim:  a saga that stands still is not taken up by a new runner, only by revive(); when it has ended its letter
//         is gone. One that gets stuck again keeps its letter, with all attempts.
TEST_F(SagaLetter, RevivedSagasGoOn) {
  open(table());
  make_stuck("7");
  open(table());
  EXPECT_EQ(runner->counts().under_way, 0U);
  EXPECT_TRUE(*runner->revive("7"));
  EXPECT_FALSE(*runner->revive("7"));
  run_to_the_end();
  EXPECT_EQ(phase("7"), SagaPhase::stuck);
  EXPECT_EQ(only_letter().attempts_made, 6U);
  behave.erase("-charge");
  calls.clear();
  EXPECT_TRUE(*runner->revive("7"));
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"-charge", "-reserve"}));
  EXPECT_EQ(phase("7"), SagaPhase::compensated);
  EXPECT_EQ(letters.counts()->stored, 0U);
  EXPECT_FALSE(*runner->revive("7"));
  EXPECT_FALSE(*runner->revive("8"));
}

// Claim:  a saga's letter is gone when the saga has ended, also while somebody holds it.
// Method: taken by a lease of an hour; then the saga is revived and ends.
TEST_F(SagaLetter, LeasedLetterGoesWithItsSaga) {
  open(table());
  make_stuck("7");
  const Taken taken = letters.take({.filter = {}, .now = kStart, .lease_for = 1h}).value();
  ASSERT_EQ(taken.letters.size(), 1U);
  behave.erase("-charge");
  EXPECT_TRUE(*runner->revive("7"));
  run_to_the_end();
  EXPECT_EQ(phase("7"), SagaPhase::compensated);
  EXPECT_EQ(letters.counts()->stored, 0U);
  const DeadLetterId id = taken.letters.front().id;
  EXPECT_EQ(letters.release(taken.lease, {&id, 1}).value(), 0U);
}

// Claim:  a compensation may say that it never will work; it is not tried again.
TEST_F(SagaLetter, RefusedCompensationsAreNotTriedAgain) {
  open(table());
  behave["ship"] = [](const StepCall&) { return StepAnswer::refuse("no"); };
  behave["-charge"] = [](const StepCall&) { return StepAnswer::refuse("account closed"); };
  start("7");
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"reserve", "charge", "ship", "-charge"}));
  EXPECT_EQ(only_letter().reason, "the compensation of charge was given up: account closed");
}

// Claim:  when the dead letters are full the saga waits with its letter; it gets stuck when there is room.
TEST_F(SagaLetter, FullLettersKeepTheSagaWaiting) {
  MemoryDeadLetterStore one({.letters_max = 1});
  SagaOptions options;
  options.threads = 0;
  options.time = source();
  auto opened = SagaRunner::open(store, one, table(), options);
  ASSERT_TRUE(opened);
  runner = std::move(opened).value();
  make_stuck("7");
  start("8");
  for (int turn = 0; turn < 10; ++turn) {
    if (const auto next = runner->poll()) now = *next;
  }
  EXPECT_EQ(phase("8"), SagaPhase::compensating);
  EXPECT_EQ(runner->counts().under_way, 1U);
  EXPECT_EQ(calls.size(), 12U) << "no compensation more than its policy allows";
  ASSERT_TRUE(one.discard({.key = "7"}, now));
  run_to_the_end();
  EXPECT_EQ(phase("8"), SagaPhase::stuck);
  EXPECT_EQ(one.counts()->stored, 1U);
}

// Claim:  a crash between the letter and the history makes no second letter.
TEST_F(SagaLetter, IsWrittenOnce) {
  open(table());
  behave["ship"] = [](const StepCall&) { return StepAnswer::refuse("no"); };
  behave["-charge"] = [&](const StepCall&) {
    store.fail(0, FailingStore::kNever, FailingStore::When::before, Error::Retry::no);
    return StepAnswer::refuse("closed");
  };
  start("7");
  run_to_the_end();
  EXPECT_EQ(only_letter().envelope.key, "7");
  EXPECT_EQ(runner->counts().halted, 1U);
  store.mend();
  behave["-charge"] = [](const StepCall&) { return StepAnswer::refuse("closed"); };
  open(table());
  run_to_the_end();
  EXPECT_EQ(phase("7"), SagaPhase::stuck);
  EXPECT_EQ(only_letter().envelope.key, "7");
}

}  // namespace
}  // namespace headrace::test
