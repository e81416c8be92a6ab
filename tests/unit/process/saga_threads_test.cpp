#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/process/saga_runner.hpp"
#include "headrace/sourcing/memory_event_store.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::hours kLongWait{1};

SagaStep step_of(const char* name, StepFunction action, StepFunction compensation = {}) {
  SagaStep step;
  step.name = name;
  step.action = std::move(action);
  step.compensation = std::move(compensation);
  return step;
}

// Claim:  steps side by side run at the same time.
// Method: two actions that each wait for the other.
TEST(SagaThreads, StepsSideBySideRunAtTheSameTime) {
  MemoryEventStore store;
  MemoryDeadLetterStore letters;
  std::latch both(2);
  const auto meet = [&](const StepCall&) {
    both.arrive_and_wait();
    return StepAnswer::done();
  };
  Saga saga{"meet", 1, {step_of("a", meet), step_of("b", meet)}};
  saga.steps[1].beside_previous = true;
  auto runner = SagaRunner::open(store, letters, saga);
  ASSERT_TRUE(runner);
  ASSERT_TRUE((*runner)->start("7", {}));
  EXPECT_EQ((*runner)->wait_for("7", kLongWait)->phase, SagaPhase::completed);
}

// Claim:  many sagas on several threads all end, each in the end that its steps decide, and each step and each
//         compensation ran once, since nothing crashed.
// Method: 60 sagas on four threads, started from two, with steps side by side, answers from other threads,
//         retries.
TEST(SagaThreads, ManySagasEachReachTheirEnd) {
  constexpr int kSagas = 60;
  MemoryEventStore store;
  MemoryDeadLetterStore letters;
  std::mutex mutex;
  std::map<std::string, int> calls;
  std::vector<std::jthread> answering;
  std::unique_ptr<SagaRunner> runner;
  const auto count = [&](const StepCall& call) {
    const std::lock_guard lock(mutex);
    ++calls[call.key()];
    return StepAnswer::done();
  };
  const auto ask = [&](const StepCall& call) {
    static_cast<void>(count(call));
    const std::lock_guard lock(mutex);
    answering.emplace_back([&, key = call.key()] {
      const auto answered = runner->answer(key, StepAnswer::done());
      EXPECT_TRUE(answered && *answered == SagaRunner::Answered::taken);
    });
    return StepAnswer::wait();
  };
  const auto decide = [&](const StepCall& call) {
    if (call.attempt() == 1) return StepAnswer::retry("once");
    return std::stoi(call.id()) % 3 == 0 ? StepAnswer::refuse("a third") : count(call);
  };
  Saga saga{
      "many",
      1,
      {step_of("a", count, count), step_of("b", ask, count), step_of("c", count, count), step_of("d", decide)}};
  saga.steps[2].beside_previous = true;
  saga.steps[3].retry = immediate(2);
  auto opened = SagaRunner::open(store, letters, saga, {.threads = 4});
  ASSERT_TRUE(opened);
  runner = std::move(opened).value();
  {
    const auto start = [&](int from) {
      for (int id = from; id < kSagas; id += 2) ASSERT_TRUE(runner->start(std::to_string(id), {}));
    };
    std::jthread other([&] { start(1); });
    start(0);
  }
  for (int id = 0; id < kSagas; ++id) {
    const auto state = runner->wait_for(std::to_string(id), kLongWait);
    ASSERT_TRUE(state);
    EXPECT_EQ(state->phase, id % 3 == 0 ? SagaPhase::compensated : SagaPhase::completed) << id;
  }
  answering.clear();
  for (const auto& [key, times] : calls) EXPECT_EQ(times, 1) << key;
  const SagaCounts counts = runner->counts();
  EXPECT_EQ(counts.completed, 40U);
  EXPECT_EQ(counts.compensated, 20U);
  EXPECT_EQ(calls.size(), 60U * 3 + 40 + 20 * 3);
}

}  // namespace
}  // namespace headrace::test
