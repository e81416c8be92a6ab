#include "saga_transition.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "headrace/base/check.hpp"
#include "headrace/base/hash.hpp"
#include "headrace/event/time_after.hpp"
#include "saga_event.hpp"

namespace headrace {
namespace {

std::string ns_text(EventTime time) { return std::to_string(time.time_since_epoch().count()); }

/// The same for the same attempt, so that a decision made again is the same.
std::uint64_t random_of(const SagaState& state, std::size_t step) {
  return mix64(hash_key(state.started) ^ mix64(step * 1000 + state.steps[step].attempts));
}

std::optional<std::chrono::nanoseconds> next_delay(const RetryPolicy& policy, const SagaState& state,
                                                   std::size_t step, EventTime now) {
  const SagaStepState& at = state.steps[step];
  const auto since_first = at.attempts == 0 ? std::chrono::nanoseconds{0} : time_between(at.first_failure, now);
  return policy.next(at.attempts + 1, std::max(since_first, std::chrono::nanoseconds{0}), random_of(state, step));
}

}  // namespace

void SagaTransition::start(std::string_view input, EventId correlation, EventId causation) {
  Envelope envelope;
  envelope.id = EventId::make();
  envelope.correlation = correlation.is_none() ? envelope.id : correlation;
  envelope.causation = causation;
  envelope.version = saga_.version;
  envelope.tags = {saga_event::tag_of(saga_)};
  add(saga_event::kStarted, std::move(envelope), input);
  go_on();
}

void SagaTransition::settle(std::size_t step, const StepAnswer& answer) {
  if (state_.steps[step].phase == StepPhase::acting) {
    settle_action(step, answer);
  } else {
    settle_compensation(step, answer);
  }
  go_on();
}

void SagaTransition::settle_action(std::size_t step, const StepAnswer& answer) {
  const SagaStepState& at = state_.steps[step];
  const EventId begun = at.begun;
  if (answer.kind == StepAnswer::Kind::done) return add(saga_event::kStepDone, step, {}, begun, answer.text);
  const Headers failed = {{saga_event::kAttempt, std::to_string(at.attempts + 1)},
                          {saga_event::kError, answer.text}};
  if (answer.kind == StepAnswer::Kind::refuse) return add(saga_event::kStepRefused, step, failed, begun);
  const auto delay = next_delay(saga_.steps[step].retry, state_, step, now_);
  // A step that failed has turned the saga round: its neighbours are not tried again.
  if (!delay || state_.phase != SagaPhase::running || time_after(now_, *delay) > at.deadline) {
    return add(saga_event::kStepGivenUp, step, failed, begun);
  }
  Headers retried = failed;
  retried.emplace_back(saga_event::kNext, ns_text(time_after(now_, *delay)));
  add(saga_event::kStepRetried, step, std::move(retried), begun);
}

void SagaTransition::settle_compensation(std::size_t step, const StepAnswer& answer) {
  const SagaStepState& at = state_.steps[step];
  if (answer.kind == StepAnswer::Kind::done) return add(saga_event::kCompensationDone, step, {}, at.begun);
  Headers headers = {{saga_event::kAttempt, std::to_string(at.attempts + 1)}, {saga_event::kError, answer.text}};
  const auto delay = answer.kind == StepAnswer::Kind::refuse
                         ? std::nullopt
                         : next_delay(saga_.steps[step].compensation_retry, state_, step, now_);
  if (!delay) return add(saga_event::kCompensationGivenUp, step, std::move(headers), at.begun);
  headers.emplace_back(saga_event::kNext, ns_text(time_after(now_, *delay)));
  add(saga_event::kCompensationRetried, step, std::move(headers), at.begun);
}

void SagaTransition::time_out(std::size_t step) {
  const SagaStepState& at = state_.steps[step];
  if (at.phase == StepPhase::acting) {
    add(saga_event::kStepGivenUp, step,
        {{saga_event::kAttempt, std::to_string(at.attempts + 1)},
         {saga_event::kError, "no answer by the deadline"}},
        at.begun);
    return go_on();
  }
  settle(step, StepAnswer::retry("no answer in time"));
}

void SagaTransition::give_up(std::size_t step) {
  const SagaStepState& at = state_.steps[step];
  add(saga_event::kStepGivenUp, step,
      {{saga_event::kAttempt, std::to_string(at.attempts)}, {saga_event::kError, "another step has failed"}},
      at.begun);
  go_on();
}

void SagaTransition::revive() {
  for (std::size_t step = 0; step < state_.steps.size(); ++step) {
    if (state_.steps[step].phase == StepPhase::stuck) return add(saga_event::kRevived, step, {}, state_.started);
  }
}

void SagaTransition::go_on() {
  if (state_.phase == SagaPhase::running) {
    go_forward();
  } else if (state_.phase == SagaPhase::compensating) {
    go_back();
  }
}

/// Begins the next steps when those before them are done.
void SagaTransition::go_forward() {
  std::size_t step = 0;
  while (step < state_.steps.size() && state_.steps[step].phase == StepPhase::done) ++step;
  if (step == state_.steps.size()) return end(saga_event::kCompleted);
  // Steps side by side are begun together, so a step that is idle is the first of its row, or none is due.
  if (state_.steps[step].phase != StepPhase::idle) return;
  do {
    add(saga_event::kStepBegun, step,
        {{saga_event::kDeadline, ns_text(time_after(now_, saga_.steps[step].deadline))}}, state_.started);
    ++step;
  } while (step < state_.steps.size() && saga_.steps[step].beside_previous);
}

/// Begins the next compensation, from the last step to the first, one at a time. Waits for actions that still run:
/// a compensation must not overtake what it undoes.
void SagaTransition::go_back() {
  const auto is_under_way = [](const SagaStepState& step) {
    return step.phase == StepPhase::acting || step.phase == StepPhase::compensating;
  };
  if (std::any_of(state_.steps.begin(), state_.steps.end(), is_under_way)) return;
  for (std::size_t step = state_.steps.size(); step-- > 0;) {
    const StepPhase phase = state_.steps[step].phase;
    const bool may_have_happened = phase == StepPhase::done || phase == StepPhase::unknown;
    if (may_have_happened && saga_.steps[step].compensation) {
      return add(saga_event::kCompensationBegun, step, {}, state_.started);
    }
  }
  end(saga_event::kCompensated);
}

void SagaTransition::end(std::string_view what) {
  Envelope envelope;
  envelope.id = EventId::make();
  envelope.correlation = state_.correlation;
  envelope.causation = state_.started;
  envelope.version = saga_.version;
  envelope.tags = {saga_event::tag_of(saga_)};
  if (!state_.reason.empty()) envelope.headers = {{std::string{saga_event::kError}, state_.reason}};
  add(what, std::move(envelope), {});
}

void SagaTransition::add(std::string_view what, std::size_t step, Headers headers, EventId causation,
                         std::string_view body) {
  Envelope envelope;
  envelope.id = EventId::make();
  envelope.correlation = state_.correlation;
  envelope.causation = causation;
  envelope.version = saga_.version;
  envelope.headers.emplace_back(saga_event::kStep, saga_.steps[step].name);
  for (auto& [name, value] : headers) envelope.headers.emplace_back(name, std::move(value));
  add(what, std::move(envelope), body);
}

void SagaTransition::add(std::string_view what, Envelope envelope, std::string_view body) {
  envelope.topic = saga_event::topic_of(saga_, what);
  envelope.key = state_.id;
  envelope.time = now_;
  const auto bytes = std::as_bytes(std::span{body});
  EncodedEvent event{std::move(envelope), "text/plain", {bytes.begin(), bytes.end()}};
  const Status folded = fold(saga_, state_, event);
  HEADRACE_CHECK("saga.transition", folded.has_value(), "a saga wrote an event that it does not read");
  events_.push_back(std::move(event));
}

}  // namespace headrace
