#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/delivery/retry_policy.hpp"
#include "headrace/event/event_id.hpp"
#include "headrace/process/saga_state.hpp"
#include "headrace/process/step_answer.hpp"

namespace headrace {

struct Saga;

/// What a step is called with. Lives as long as the call.
class StepCall {
 public:
  enum class Way : std::uint8_t { action, compensation };

  StepCall(const Saga& saga, const SagaState& state, std::size_t step, Way way)
      : saga_(saga), state_(state), step_(step), way_(way) {}

  [[nodiscard]] const std::string& id() const noexcept { return state_.id; }
  [[nodiscard]] const std::string& input() const noexcept { return state_.input; }
  /// Of a step that is done; empty for any other. A step's compensation sees its own as well.
  [[nodiscard]] std::string_view result(std::string_view step) const;
  /// From 1.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return state_.steps[step_].attempts + 1; }
  /// "table/id/step", with ":undo" behind a compensation's: the same at every attempt, also after a crash, and of
  /// no other step, not even one of another table whose saga has the same id. By it others recognise a repetition.
  [[nodiscard]] std::string key() const;
  /// For events that the step publishes: they belong to the saga's transaction, and this is what caused them.
  [[nodiscard]] EventId correlation() const noexcept { return state_.correlation; }
  [[nodiscard]] EventId causation() const noexcept { return state_.steps[step_].begun; }

 private:
  const Saga& saga_;
  const SagaState& state_;
  const std::size_t step_;
  const Way way_;
};

using StepFunction = std::function<StepAnswer(const StepCall&)>;

/// One line of the table. Action and compensation run at least once: a crash in between makes them run again, with
/// the same key().
struct SagaStep {
  std::string name;  ///< of no other step
  StepFunction action;
  /// Undoes the action, wherever that may have happened: also after an action that failed for want of attempts or
  /// time, when nobody knows. Must accept that there is nothing to undo. None: nothing needs to be undone.
  StepFunction compensation = {};
  /// Of the action's attempts, from the first on: no attempt begins later, and an answer that is waited for must
  /// have come. An attempt that runs is not interrupted. A compensation has none, but as long to wait for an
  /// answer.
  std::chrono::nanoseconds deadline = std::chrono::hours{1};
  RetryPolicy retry{};  ///< of the action
  RetryPolicy compensation_retry = RetryPolicy::exponential(std::chrono::milliseconds{100}, 2.0, 10).jitter();
  /// Runs at the same time as the step before it, not behind it.
  bool beside_previous = false;
};

/// A table of steps: what is done one after the other, and how it is undone.
struct Saga {
  std::string name;
  /// Count it up when steps are added, removed or renamed: sagas under way belong to the table that began them,
  /// and go on in a runner that still has it.
  std::uint32_t version = 1;
  std::vector<SagaStep> steps;
};

/// What is wrong with the table: names, missing actions, policies, deadlines. @thread any
[[nodiscard]] Status check_saga(const Saga& saga);

}  // namespace headrace
