#include "headrace/process/saga_state.hpp"

#include <algorithm>
#include <utility>

#include "headrace/process/saga.hpp"
#include "saga_event.hpp"

namespace headrace {
namespace {

EventTime time_of(const Envelope& envelope, std::string_view name) {
  return EventTime{std::chrono::nanoseconds{saga_event::number(envelope, name).value_or(0)}};
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void begin(SagaStepState& step, StepPhase phase, const Envelope& envelope) {
  step.phase = phase;
  step.attempts = 0;
  step.next_attempt = step.first_failure = {};
  step.begun = envelope.id;
}

void fail(SagaStepState& step, const Envelope& envelope) {
  if (step.attempts == 0) step.first_failure = envelope.time;
  step.attempts =
      static_cast<std::uint32_t>(saga_event::number(envelope, saga_event::kAttempt).value_or(step.attempts + 1));
  step.error = saga_event::header(envelope, saga_event::kError);
  step.next_attempt = time_of(envelope, saga_event::kNext);
}

/// One that ends the step's action badly, so that the saga turns round.
void turn_round(SagaState& state, SagaStepState& step, StepPhase phase, const Envelope& envelope) {
  fail(step, envelope);
  step.phase = phase;
  if (state.phase == SagaPhase::running) state.reason = step.name + ": " + step.error;
  state.phase = SagaPhase::compensating;
}

/// False: the event is unknown.
bool fold_step(SagaState& state, SagaStepState& step, std::string_view what, const EncodedEvent& event) {
  const Envelope& envelope = event.envelope;
  if (what == saga_event::kStepBegun) {
    begin(step, StepPhase::acting, envelope);
    step.deadline = time_of(envelope, saga_event::kDeadline);
  } else if (what == saga_event::kStepRetried || what == saga_event::kCompensationRetried) {
    fail(step, envelope);
  } else if (what == saga_event::kStepDone) {
    step.phase = StepPhase::done;
    step.result = text_of(event.body);
  } else if (what == saga_event::kStepRefused) {
    turn_round(state, step, StepPhase::refused, envelope);
  } else if (what == saga_event::kStepGivenUp) {
    turn_round(state, step, StepPhase::unknown, envelope);
  } else if (what == saga_event::kCompensationBegun) {
    begin(step, StepPhase::compensating, envelope);
  } else if (what == saga_event::kCompensationDone) {
    step.phase = StepPhase::compensated;
  } else if (what == saga_event::kCompensationGivenUp) {
    fail(step, envelope);
    step.phase = StepPhase::stuck;
    state.phase = SagaPhase::stuck;
    state.was_stuck = true;
  } else if (what == saga_event::kRevived) {
    begin(step, StepPhase::compensating, envelope);
    state.phase = SagaPhase::compensating;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string_view to_string(StepPhase phase) noexcept {
  constexpr std::string_view kNames[] = {"idle",    "acting",       "done",        "refused",
                                         "unknown", "compensating", "compensated", "stuck"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::string_view to_string(SagaPhase phase) noexcept {
  constexpr std::string_view kNames[] = {"running", "compensating", "stuck", "completed", "compensated"};
  return kNames[static_cast<std::size_t>(phase)];
}

SagaState initial_state(const Saga& saga, std::string id) {
  SagaState state;
  state.id = std::move(id);
  for (const SagaStep& step : saga.steps) state.steps.emplace_back().name = step.name;
  return state;
}

Status fold(const Saga& saga, SagaState& state, const EncodedEvent& event) {
  const Envelope& envelope = event.envelope;
  const std::string_view what = saga_event::what_of(saga, envelope.topic);
  const auto unknown = [&](std::string text) {
    return Error{std::move(text), "saga " + saga.name + " " + state.id + ", event " +
                                      std::to_string(state.version + 1) + " (" + envelope.topic + ")"};
  };
  if ((state.version == 0) != (what == saga_event::kStarted)) {
    return unknown(what == saga_event::kStarted ? "it is begun a second time"
                                                : "the events before this one are missing");
  }
  if (what == saga_event::kStarted) {
    if (envelope.version != saga.version) {
      return unknown("it was begun by version " + std::to_string(envelope.version) + " of the table");
    }
    state.started = envelope.id;
    state.correlation = envelope.correlation;
    state.input = text_of(event.body);
  } else if (what == saga_event::kCompleted) {
    state.phase = SagaPhase::completed;
  } else if (what == saga_event::kCompensated) {
    state.phase = SagaPhase::compensated;
  } else {
    const std::string_view name = saga_event::header(envelope, saga_event::kStep);
    const auto step = std::find_if(state.steps.begin(), state.steps.end(),
                                   [&](const SagaStepState& known) { return known.name == name; });
    if (step == state.steps.end()) return unknown("the table has no step '" + std::string{name} + "'");
    if (!fold_step(state, *step, what, event)) return unknown("no saga writes such an event");
  }
  ++state.version;
  return Nothing{};
}

}  // namespace headrace
