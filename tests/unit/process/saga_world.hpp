#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "failing_store.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/process/saga_runner.hpp"
#include "stored_events.hpp"

namespace headrace::test {

using Lines = std::vector<std::string>;

/// Stores, a clock that is moved, and a runner that can be dropped and opened again. What the steps do is written
/// down; `behave` says what one answers.
class SagaWorld : public ::testing::Test {
 protected:
  using Behaviour = std::function<StepAnswer(const StepCall&)>;

  /// A step whose action writes "name" and whose compensation writes "-name".
  SagaStep step(const std::string& name, RetryPolicy retry = {},
                RetryPolicy undo_retry = RetryPolicy::immediate(1)) {
    SagaStep made;
    made.name = name;
    made.retry = retry;
    made.compensation_retry = undo_retry;
    made.action = [this, name](const StepCall& call) { return called(name, call); };
    made.compensation = [this, name](const StepCall& call) { return called("-" + name, call); };
    return made;
  }

  void open(const Saga& saga, SagaOptions options = {}) {
    options.threads = 0;
    options.time = source();
    options.on_error = [this](const Error& error) { errors.push_back(error.message()); };
    auto opened = SagaRunner::open(store, letters, saga, options);
    ASSERT_TRUE(opened) << opened.error().message();
    runner = std::move(opened).value();
  }
  /// Runs what is due now, and what is due from then on until nothing waits; the clock goes along.
  void run_to_the_end() {
    while (const auto next = runner->poll()) now = std::max(now, *next);
  }
  void start(const std::string& id, std::string_view input = {}) {
    const auto started = runner->start(id, input);
    ASSERT_TRUE(started);
    EXPECT_EQ(*started, SagaRunner::Started::started);
  }
  [[nodiscard]] SagaPhase phase(const std::string& id) { return runner->state(id)->phase; }
  /// The last levels of the topics of the saga's history, with the steps.
  [[nodiscard]] Lines history(const std::string& stream) {
    Lines lines;
    for (const StoredEvent& stored : read_stream(store, {.stream = stream})) {
      const Envelope& envelope = stored.event.envelope;
      std::string line = envelope.topic.substr(envelope.topic.rfind('.') + 1);
      for (const auto& [name, value] : envelope.headers) {
        if (name == "step") line += " " + value;
      }
      lines.push_back(std::move(line));
    }
    return lines;
  }

  [[nodiscard]] TimeSource source() const {
    TimeSource time;
    time.wall = [](const void* self) { return *static_cast<const EventTime*>(self); };
    time.self = &now;
    return time;
  }
  [[nodiscard]] std::chrono::nanoseconds since_start() const { return now - kStart; }

  static constexpr EventTime kStart{std::chrono::hours{400'000}};
  EventTime now = kStart;
  FailingStore store;
  MemoryDeadLetterStore letters;
  std::unique_ptr<SagaRunner> runner;
  std::map<std::string, Behaviour> behave;  ///< by what a call writes
  Lines calls;
  Lines errors;

 private:
  StepAnswer called(const std::string& what, const StepCall& call) {
    calls.push_back(what);
    const auto found = behave.find(what);
    return found == behave.end() ? StepAnswer::done(what + " of " + call.id()) : found->second(call);
  }
};

}  // namespace headrace::test
