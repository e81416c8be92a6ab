#include "headrace/simulation/saga_scenario.hpp"

#include <algorithm>
#include <memory>

#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/event/time_after.hpp"
#include "headrace/sourcing/memory_event_store.hpp"

namespace headrace {
namespace {

std::string listed(const std::vector<std::string>& calls) {
  std::string text;
  for (const std::string& call : calls) text += (text.empty() ? "" : ", ") + call;
  return text.empty() ? "nothing" : text;
}

}  // namespace

/// One run: the stores, the runner, and what its steps were called for.
struct SagaScenario::Run {
  explicit Run(const SagaScenario& scenario) : saga(scenario.saga_) {
    for (const auto& [step, answers] : scenario.answers_) {
      scripted[step].insert(scripted[step].end(), answers.begin(), answers.end());
    }
    for (SagaStep& step : saga.steps) {
      names.push_back(step.name);
      names.push_back(undo(step.name));
      step.action = watched(step.name, std::move(step.action));
      if (step.compensation) step.compensation = watched(undo(step.name), std::move(step.compensation));
    }
  }

  [[nodiscard]] StepFunction watched(const std::string& name, StepFunction function) {
    return [this, name, function = std::move(function)](const StepCall& call) {
      calls[call.id()].push_back(name);
      keys[call.id() + '/' + name] = call.key();
      auto& answers = scripted[name];
      if (answers.empty()) return function(call);
      StepAnswer answer = std::move(answers.front());
      answers.pop_front();
      return answer;
    };
  }

  [[nodiscard]] std::string open() {
    runner.reset();
    SagaOptions options{.threads = 0, .time = time.source()};
    options.on_error = [this](const Error& error) { failure = error.message(); };
    auto opened = SagaRunner::open(store, letters, saga, std::move(options));
    if (!opened) return opened.error().message();
    runner = std::move(opened).value();
    return advance(std::chrono::nanoseconds::zero());
  }

  [[nodiscard]] std::string advance(std::chrono::nanoseconds by) {
    const EventTime until = time_after(time.wall_time(), std::max(by, std::chrono::nanoseconds::zero()));
    for (auto next = runner->poll(); next && *next <= until; next = runner->poll()) {
      time.move_by(*next - time.wall_time());
    }
    time.move_by(until - time.wall_time());
    return failure;
  }

  Saga saga;
  std::map<std::string, std::deque<StepAnswer>> scripted;
  std::vector<std::string> names;                         ///< of all that may be called
  std::map<std::string, std::vector<std::string>> calls;  ///< by saga
  std::map<std::string, std::string> keys;                ///< by saga and step: of its last call
  SimulatedTime time;
  MemoryEventStore store;
  MemoryDeadLetterStore letters;
  std::string failure;  ///< what a store or a history said
  std::unique_ptr<SagaRunner> runner;
};

SagaScenario& SagaScenario::when_started(std::string id, std::string input) {
  when_.push_back([id = std::move(id), input = std::move(input)](Run& run) {
    const auto started = run.runner->start(id, input);
    if (!started) return started.error().message();
    if (*started == SagaRunner::Started::was_there) return "saga " + id + " was started before";
    return run.advance(std::chrono::nanoseconds::zero());
  });
  return *this;
}

SagaScenario& SagaScenario::when_answered(std::string id, std::string step, StepAnswer answer) {
  when_.push_back([id = std::move(id), step = std::move(step), answer = std::move(answer)](Run& run) {
    const auto key = run.keys.find(id + '/' + step);
    if (key == run.keys.end()) return "step " + step + " of saga " + id + " was not called";
    const auto answered = run.runner->answer(key->second, answer);
    if (!answered) return answered.error().message();
    if (*answered == SagaRunner::Answered::not_wanted) {
      return "step " + step + " of saga " + id + " does not wait for an answer";
    }
    return run.advance(std::chrono::nanoseconds::zero());
  });
  return *this;
}

SagaScenario& SagaScenario::when_time_passes(std::chrono::nanoseconds time) {
  when_.push_back([time](Run& run) { return run.advance(time); });
  return *this;
}

SagaScenario& SagaScenario::when_restarted() {
  when_.push_back([](Run& run) { return run.open(); });
  return *this;
}

SagaScenario& SagaScenario::when_that(std::function<void()> call) {
  when_.push_back([call = std::move(call)](Run&) {
    call();
    return std::string();
  });
  return *this;
}

SagaScenario& SagaScenario::then_runs(std::string id, std::vector<std::string> calls) {
  then_.push_back([id = std::move(id), calls = std::move(calls)](Run& run) {
    const std::vector<std::string>& were = run.calls[id];
    if (were == calls) return std::string();
    return "saga " + id + ": expected the calls " + listed(calls) + "; were " + listed(were);
  });
  return *this;
}

SagaScenario& SagaScenario::then_ends(std::string id, SagaPhase phase) {
  then_.push_back([id = std::move(id), phase](Run& run) {
    const auto state = run.runner->state(id);
    if (!state) return state.error().message();
    if (state->version == 0) return "there is no saga " + id;
    if (state->phase == phase) return std::string();
    std::string text = "saga " + id + ": expected " + std::string(to_string(phase)) + ", is ";
    text += to_string(state->phase);
    return state->reason.empty() ? text : text + ": " + state->reason;
  });
  return *this;
}

SagaScenario& SagaScenario::then(std::string name, std::function<bool()> holds) {
  then_.push_back([name = std::move(name), holds = std::move(holds)](Run&) {
    return holds() ? std::string() : "does not hold: " + name;
  });
  return *this;
}

std::string SagaScenario::run() const {
  Run run(*this);
  for (const auto& [step, answers] : run.scripted) {
    if (std::find(run.names.begin(), run.names.end(), step) == run.names.end()) {
      return "no step is called " + step;
    }
  }
  if (std::string wrong = run.open(); !wrong.empty()) return wrong;
  for (const auto* steps : {&when_, &then_}) {
    for (const Step& step : *steps) {
      if (std::string wrong = step(run); !wrong.empty()) return wrong;
    }
  }
  return {};
}

}  // namespace headrace
