#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/port/append_request.hpp"

namespace headrace {

struct Saga;

enum class StepPhase : std::uint8_t {
  idle,    ///< its turn has not come
  acting,  ///< its action runs, waits for its next attempt, or for an answer
  done,
  refused,       ///< nothing has happened
  unknown,       ///< given up; it may have happened
  compensating,  ///< as acting, of its compensation
  compensated,
  stuck,  ///< its compensation was given up
};

enum class SagaPhase : std::uint8_t {
  running,
  compensating,
  stuck,        ///< stands in the dead letters until somebody calls SagaRunner::revive()
  completed,    ///< one of the two ends: every step is done
  compensated,  ///< the other: nothing is left of any step
};

[[nodiscard]] std::string_view to_string(StepPhase phase) noexcept;
[[nodiscard]] std::string_view to_string(SagaPhase phase) noexcept;
[[nodiscard]] constexpr bool has_ended(SagaPhase phase) noexcept { return phase >= SagaPhase::completed; }

struct SagaStepState {
  std::string name;
  StepPhase phase = StepPhase::idle;
  std::uint32_t attempts = 0;  ///< made and failed, of the action or of the compensation
  EventTime next_attempt{};
  EventTime first_failure{};
  EventTime deadline{};  ///< of the action
  std::string result;    ///< when done
  std::string error;     ///< of the last attempt that failed
  EventId begun;         ///< the event that says that the action, or the compensation, began
};

/// What the history of a saga amounts to.
struct SagaState {
  std::string id;
  SagaPhase phase = SagaPhase::running;
  std::string input;
  std::string reason;  ///< why it is compensated; empty: it is not
  EventId started;     ///< its first event
  EventId correlation;
  StreamVersion version = 0;  ///< of its last event; 0: there is no such saga
  bool was_stuck = false;
  std::vector<SagaStepState> steps;  ///< as in the table
};

/// The state before the first event.
[[nodiscard]] SagaState initial_state(const Saga& saga, std::string id);
/// Takes the next event of its stream in. An error when it is not one of this table's. @thread any
[[nodiscard]] Status fold(const Saga& saga, SagaState& state, const EncodedEvent& event);

}  // namespace headrace
