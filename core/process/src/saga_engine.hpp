#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "due_steps.hpp"
#include "headrace/process/saga_runner.hpp"
#include "open_saga.hpp"
#include "saga_transition.hpp"

namespace headrace {

/// The runner itself. Locks: a saga's mutex is taken before those of the engine and of the queue, and held while
/// its transition is appended; a step's function is called without any.
class SagaRunner::Engine {
 public:
  Engine(EventStore& events, DeadLetterStore& dead_letters, Saga table, SagaOptions options)
      : store(events),
        saga(std::move(table)),
        time(options.time),
        dead_letters_(dead_letters),
        options_(std::move(options)),
        due_(options_.time) {}

  EventStore& store;
  const Saga saga;
  const TimeSource time;

  [[nodiscard]] Status take_up_open();
  [[nodiscard]] Status take_up(const std::string& id);
  /// Appends what begins the saga, or begins it anew, and takes it up. False: its history is another one by now.
  [[nodiscard]] Result<bool> begin(const SagaTransition& transition, ExpectedVersion expected);
  void start_threads();

  [[nodiscard]] Result<Answered> answer(std::string_view key, const StepAnswer& answer);
  [[nodiscard]] Result<bool> revive(const std::string& id);
  void wait_until_left(const std::string& id, std::chrono::milliseconds wait);
  [[nodiscard]] SagaCounts counts() const;
  std::optional<EventTime> poll();

 private:
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] static bool is_open(SagaPhase phase) { return !has_ended(phase) && phase != SagaPhase::stuck; }
  [[nodiscard]] std::shared_ptr<OpenSaga> find(const std::string& id) const;
  // With the saga's mutex held:
  void look(const std::shared_ptr<OpenSaga>& open, std::size_t step, Lock& lock);
  void run(const std::shared_ptr<OpenSaga>& open, std::size_t step, Lock& lock);
  void settle(const std::shared_ptr<OpenSaga>& open, std::size_t step, StepAnswer answer);
  /// False: another runner was quicker, and the saga is where that has brought it.
  [[nodiscard]] Result<bool> commit(const std::shared_ptr<OpenSaga>& open, SagaTransition transition);
  [[nodiscard]] Status prepare_letters(const OpenSaga& open, const SagaTransition& transition);
  void adopt(const std::shared_ptr<OpenSaga>& open, SagaState state);
  void schedule(const std::shared_ptr<OpenSaga>& open);
  /// The store could not do it: again after a pause, or not at all.
  void postpone(const std::shared_ptr<OpenSaga>& open, std::size_t step, const Error& error);
  void leave(const std::shared_ptr<OpenSaga>& open);
  /// False: this engine has it already.
  [[nodiscard]] bool enter(const std::shared_ptr<OpenSaga>& open);
  /// It turned out to have ended before.
  void forget(const std::shared_ptr<OpenSaga>& open);

  void report(const Error& error) const;

  DeadLetterStore& dead_letters_;
  const SagaOptions options_;
  DueSteps due_;

  mutable std::mutex mutex_;
  std::condition_variable left_;
  std::map<std::string, std::shared_ptr<OpenSaga>, std::less<>> open_;  // behind mutex_
  SagaCounts counts_;                                                   // behind mutex_

  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace headrace
