#include <set>

#include "headrace/sourcing/memory_checkpoint_store.hpp"
#include "saga_world.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

class SagaCrash : public SagaWorld {
 protected:
  /// Two of the steps side by side; one fails at first; the last one decides which end it is.
  Saga table() {
    Saga saga{"order", 1, {step("a"), step("b", fixed(1s, 3)), step("c"), step("d")}};
    saga.steps[2].beside_previous = true;
    return saga;
  }

  /// Crashes at the nth append of one saga's life, then runs it to its end in a runner opened anew. False: it had
  /// no such append.
  bool crash_at(std::uint64_t append, FailingStore::When when, const std::string& id, SagaPhase wanted) {
    calls.clear();
    behave["b"] = [](const StepCall& call) {
      return call.attempt() < 2 ? StepAnswer::retry("at first") : StepAnswer::done();
    };
    if (wanted == SagaPhase::compensated) {
      behave["d"] = [](const StepCall&) { return StepAnswer::refuse("never"); };
    }
    open(table());
    store.fail(append, FailingStore::kNever, when, Error::Retry::no);
    const auto started = runner->start(id, "input");
    run_to_the_end();
    const bool crashed = runner->counts().halted > 0 || !started;
    store.mend();
    open(table());
    EXPECT_TRUE(runner->start(id, "input"));
    run_to_the_end();
    EXPECT_EQ(phase(id), wanted) << append;
    check_history("saga-order-" + id);
    check_calls(wanted);
    return crashed;
  }

  /// No transition twice, and one end.
  void check_history(const std::string& stream) {
    const Lines lines = history(stream);
    EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), lines.size());
    for (std::size_t line = 0; line < lines.size(); ++line) {
      EXPECT_EQ(lines[line] == "completed" || lines[line] == "compensated", line + 1 == lines.size());
    }
  }
  /// What the calls amount to, where a repeated call has no effect.
  void check_calls(SagaPhase wanted) {
    Lines undone;
    for (const std::string& call : calls) {
      if (call[0] == '-' && (undone.empty() || undone.back() != call)) undone.push_back(call);
    }
    EXPECT_EQ(undone, wanted == SagaPhase::completed ? Lines{} : (Lines{"-c", "-b", "-a"}));
    EXPECT_EQ((std::set<std::string>(calls.begin(), calls.end()).count("d")), 1U);
  }
};

// Claim:  wherever a saga is interrupted it goes on from its last transition, to the same end, with no transition
//         twice.
// Method: the nth append fails for good, before or after it is stored, for every n until none does; then a new
//         runner on the same store. Both ends.
TEST_F(SagaCrash, GoesOnFromEveryTransition) {
  for (const SagaPhase wanted : {SagaPhase::completed, SagaPhase::compensated}) {
    for (const auto when : {FailingStore::When::before, FailingStore::When::after}) {
      std::uint64_t crashes = 0;
      std::string id = std::string{to_string(wanted)} + (when == FailingStore::When::before ? "-b" : "-a");
      while (crash_at(crashes, when, id + std::to_string(crashes), wanted)) ++crashes;
      EXPECT_EQ(crashes, wanted == SagaPhase::completed ? 6U : 9U);
      if (HasFailure()) return;
    }
  }
}

// Claim:  a deadline that passes while no program runs ends the step when one does; its action is not run again.
TEST_F(SagaCrash, DeadlinesAreKept) {
  behave["reserve"] = [](const StepCall&) { return StepAnswer::wait(); };
  Saga saga{"order", 1, {step("reserve")}};
  saga.steps[0].deadline = 1min;
  open(saga);
  start("7");
  static_cast<void>(runner->poll());
  runner.reset();
  now += 2min;
  open(saga);
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"reserve", "-reserve"}));
  EXPECT_EQ(phase("7"), SagaPhase::compensated);
}

// Claim:  the attempts made, and when the next is due, are kept over a restart.
TEST_F(SagaCrash, AttemptsAreKept) {
  Lines at;
  behave["reserve"] = [&](const StepCall& call) {
    at.push_back(std::to_string(call.attempt()) + " at " + std::to_string(since_start() / 1s));
    return StepAnswer::retry("no");
  };
  const Saga saga{"order", 1, {step("reserve", fixed(10s, 3))}};
  open(saga);
  start("7");
  for (int restart = 0; restart < 4; ++restart) {
    if (const auto next = runner->poll()) now = *next - 1s;
    open(saga);
    static_cast<void>(runner->poll());
    now += 1s;
  }
  run_to_the_end();
  EXPECT_EQ(at, (Lines{"1 at 0", "2 at 10", "3 at 20"}));
}

// Claim:  an id is started once, while it is under way, after its end, and by another runner.
TEST_F(SagaCrash, StartedTwiceIsOnce) {
  open(table());
  start("7");
  EXPECT_EQ(*runner->start("7", "again"), SagaRunner::Started::was_there);
  run_to_the_end();
  EXPECT_EQ(*runner->start("7", "again"), SagaRunner::Started::was_there);
  open(table());
  EXPECT_EQ(*runner->start("7", "again"), SagaRunner::Started::was_there);
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"a", "b", "c", "d"}));
  EXPECT_EQ(runner->state("7")->input, "");
}

// Claim:  a saga may begin in one append with other events; until it is taken up it only waits.
TEST_F(SagaCrash, BeginsTogetherWithOtherEvents) {
  open(table());
  AppendRequest request = AppendRequest::to("orders", ExpectedVersion::any(), {event_of("placed", "7")});
  request.streams.push_back(runner->beginning("7", "input").value());
  EXPECT_FALSE(runner->take_up("7"));
  ASSERT_TRUE(store.append(request)->is_stored());
  EXPECT_FALSE(runner->poll());
  open(table());
  ASSERT_TRUE(runner->take_up("7"));
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"a", "b", "c", "d"}));
}

// Claim:  a saga that another thread takes up and brings to its end, between the moment when its history is read and
//         the one when it is taken up, is not run a second time from what was read.
// Method: the other one comes in by the store, behind the read.
TEST_F(SagaCrash, IsTakenUpOnce) {
  open(table());
  AppendRequest request;
  request.streams.push_back(runner->beginning("7", "input").value());
  ASSERT_TRUE(store.append(request)->is_stored());
  store.after_read = [&] {
    ASSERT_TRUE(runner->take_up("7"));
    run_to_the_end();
  };
  ASSERT_TRUE(runner->take_up("7"));
  run_to_the_end();
  EXPECT_EQ(calls, (Lines{"a", "b", "c", "d"}));
  EXPECT_EQ(runner->counts().completed, 1U);
  EXPECT_EQ(runner->counts().under_way, 0U);
}

// Claim:  an id that start() refuses is refused wherever a saga begins.
TEST_F(SagaCrash, BadIdsAreRefusedEverywhere) {
  open(table());
  for (const std::string& id : {std::string(), std::string(513, 'x'), std::string("a\0b", 3)}) {
    EXPECT_FALSE(runner->start(id, ""));
    EXPECT_FALSE(runner->beginning(id, ""));
    EXPECT_FALSE(runner->take_up(id));
  }
}

// Claim:  with checkpoints, open() looks only behind what has ended, and overlooks none that has not.
// Method: sagas that end around one that waits.
TEST_F(SagaCrash, FindsTheOpenOnesBehindACheckpoint) {
  MemoryCheckpointStore checkpoints;
  SagaOptions options;
  options.checkpoints = &checkpoints;
  behave["a"] = [](const StepCall& call) { return call.id() == "w" ? StepAnswer::wait() : StepAnswer::done(); };
  open(table(), options);
  for (const char* id : {"1", "2"}) start(id);
  static_cast<void>(runner->poll());
  now += 2s;
  static_cast<void>(runner->poll());
  start("w");
  start("3");
  static_cast<void>(runner->poll());
  now += 2s;
  static_cast<void>(runner->poll());
  for (int restart = 0; restart < 3; ++restart) {
    open(table(), options);
    EXPECT_EQ(runner->counts().under_way, 1U);
  }
  const EventPosition mark = *checkpoints.load("saga:order:1");
  EXPECT_GT(mark, 0U);
  EXPECT_LT(mark, *store.last_position());
  behave.clear();
  run_to_the_end();
  open(table(), options);
  EXPECT_EQ(runner->counts().under_way, 0U);
  EXPECT_GT(*checkpoints.load("saga:order:1"), mark);
}

// Claim:  while the store cannot be written to, the answer of a step is kept: it is stored later, and the step
//         does not run again.
TEST_F(SagaCrash, AFailingStoreIsTriedAgain) {
  open(table());
  start("7");
  store.fail(0, 5, FailingStore::When::before, Error::Retry::maybe);
  run_to_the_end();
  EXPECT_EQ(phase("7"), SagaPhase::completed);
  EXPECT_EQ(calls, (Lines{"a", "b", "c", "d"}));
  EXPECT_EQ(errors.size(), 5U);
  EXPECT_EQ(since_start(), 5s);
}

// Claim:  two runners on one saga write one history; each step runs at least once.
TEST_F(SagaCrash, TwoRunnersWriteOneHistory) {
  open(table());
  start("7");
  auto first = std::move(runner);
  open(table());
  for (int turn = 0; turn < 20; ++turn) {
    static_cast<void>((turn % 2 == 0 ? *first : *runner).poll());
    now += 1s;
  }
  EXPECT_EQ(phase("7"), SagaPhase::completed);
  check_history("saga-order-7");
  EXPECT_EQ(first->counts().under_way + runner->counts().under_way, 0U);
}

// Claim:  a saga of another table's version is left alone, and goes on where that table still is.
TEST_F(SagaCrash, OtherVersionsAreLeftAlone) {
  open(table());
  start("7");
  Saga second = table();
  second.version = 2;
  open(second);
  run_to_the_end();
  EXPECT_EQ(calls, Lines{});
  EXPECT_EQ(*runner->start("7", "again"), SagaRunner::Started::was_there);
  EXPECT_FALSE(runner->state("7"));
  open(table());
  run_to_the_end();
  EXPECT_EQ(phase("7"), SagaPhase::completed);
}

// Claim:  a history that cannot be read is reported, and keeps no other saga waiting.
TEST_F(SagaCrash, ADamagedHistoryHaltsOneSaga) {
  open(table());
  start("7");
  start("8");
  ASSERT_TRUE(store.truncate_stream("saga-order-7", 2));
  ASSERT_TRUE(store.append(AppendRequest::to("saga-order-8", ExpectedVersion::any(), {event_of("odd", "")})));
  ASSERT_TRUE(runner->start("9", {}));
  open(table());
  EXPECT_EQ(runner->counts().under_way, 1U);
  EXPECT_EQ(runner->counts().halted, errors.size());
  run_to_the_end();
  EXPECT_EQ(phase("9"), SagaPhase::completed);
}

}  // namespace
}  // namespace headrace::test
