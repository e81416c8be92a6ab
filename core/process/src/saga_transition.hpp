#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/event/envelope.hpp"
#include "headrace/process/saga.hpp"

namespace headrace {

/// Decides what follows when something has happened to a saga: events to be appended together, and the state with
/// them in it. Does nothing itself, and asks neither clock nor store, so that every decision can be made again.
class SagaTransition {
 public:
  SagaTransition(const Saga& saga, SagaState state, EventTime now)
      : saga_(saga), state_(std::move(state)), now_(now) {}

  /// Of a new saga. `correlation` none: the saga is the first of its transaction.
  void start(std::string_view input, EventId correlation, EventId causation);
  /// The step's action, or its compensation, whichever runs, has answered done, retry or refuse.
  void settle(std::size_t step, const StepAnswer& answer);
  /// Nobody answered in time.
  void time_out(std::size_t step);
  /// Another step has failed: this one is not tried again.
  void give_up(std::size_t step);
  /// Of a saga that is stuck.
  void revive();

  [[nodiscard]] const SagaState& state() const noexcept { return state_; }
  [[nodiscard]] std::vector<EncodedEvent>& events() noexcept { return events_; }
  [[nodiscard]] const std::vector<EncodedEvent>& events() const noexcept { return events_; }

 private:
  using Headers = std::vector<std::pair<std::string_view, std::string>>;

  void settle_action(std::size_t step, const StepAnswer& answer);
  void settle_compensation(std::size_t step, const StepAnswer& answer);
  void go_on();
  void go_forward();
  void go_back();
  /// The event, and what it does to the state.
  void add(std::string_view what, std::size_t step, Headers headers, EventId causation,
           std::string_view body = {});
  void end(std::string_view what);
  void add(std::string_view what, Envelope envelope, std::string_view body);

  const Saga& saga_;
  SagaState state_;
  const EventTime now_;
  std::vector<EncodedEvent> events_;
};

}  // namespace headrace
