#pragma once

#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "headrace/process/saga.hpp"

namespace headrace {

/// What a process knows of a step beyond the history.
struct StepHere {
  bool runs = false;               ///< its function is being called
  bool waits = false;              ///< its function has answered wait()
  EventTime answer_by{};           ///< if it waits
  std::optional<StepAnswer> held;  ///< an answer that the store has not taken yet
};

/// A saga that a runner works on.
struct OpenSaga {
  explicit OpenSaga(SagaState known) : state(std::move(known)), here(state.steps.size()) {}

  std::mutex mutex;
  SagaState state;             // behind mutex, as is all below
  std::vector<StepHere> here;  ///< as in state.steps
  bool is_left = false;        ///< ended, stuck or halted: nothing more is done here
};

[[nodiscard]] constexpr bool is_under_way(StepPhase phase) noexcept {
  return phase == StepPhase::acting || phase == StepPhase::compensating;
}

}  // namespace headrace
