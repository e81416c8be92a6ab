#include "saga_engine.hpp"

#include <exception>
#include <span>
#include <utility>

#include "headrace/event/time_after.hpp"
#include "headrace/port/deadline.hpp"
#include "saga_history.hpp"
#include "saga_letter.hpp"

namespace headrace {

// --- Which sagas ---------------------------------------------------------------------------------------------

Status SagaRunner::Engine::take_up_open() {
  const auto ids = find_open(store, saga, options_.checkpoints);
  if (!ids) return ids.error();
  for (const std::string& id : *ids) {
    const Status taken = take_up(id);
    if (taken) continue;
    if (taken.error().retry == Error::Retry::maybe) return taken;
    // One history that cannot be read keeps no other saga waiting.
    report(taken.error());
    const std::lock_guard lock(mutex_);
    ++counts_.halted;
  }
  return Nothing{};
}

Status SagaRunner::Engine::take_up(const std::string& id) {
  for (;;) {
    if (const auto known = find(id); known != nullptr) {
      // One that is being begun may come to nothing.
      const std::lock_guard saga_lock(known->mutex);
      if (known->is_left) continue;
      return Nothing{};
    }
    auto state = load_saga(store, saga, id);
    if (!state) return state.error();
    if (state->version == 0) return Error{"there is no such saga", stream_of(saga, id)};
    if (!is_open(state->phase)) return Nothing{};
    const auto open = std::make_shared<OpenSaga>(std::move(*state));
    const std::lock_guard saga_lock(open->mutex);
    if (!enter(open)) continue;
    // Since the reading another thread may have taken it up, brought it further and left it; from here on nobody
    // does.
    auto now = load_saga(store, saga, id);
    if (!now) {
      forget(open);
      return now.error();
    }
    open->state = std::move(*now);
    is_open(open->state.phase) ? schedule(open) : forget(open);
    return Nothing{};
  }
}

Result<bool> SagaRunner::Engine::begin(const SagaTransition& transition, ExpectedVersion expected) {
  const auto open = std::make_shared<OpenSaga>(transition.state());
  const std::lock_guard saga_lock(open->mutex);
  // Before the append: who reads of the saga finds it taken up.
  while (!enter(open)) {
    const auto known = find(open->state.id);
    if (known == nullptr) continue;
    const std::lock_guard known_lock(known->mutex);  // one that is being begun may come to nothing
    if (!known->is_left) return false;               // under way here: its history is another one by now
  }
  const auto receipt =
      store.append(AppendRequest::to(stream_of(saga, open->state.id), expected, transition.events()));
  const bool begun = receipt && receipt->outcome == AppendOutcome::appended;
  begun ? schedule(open) : forget(open);
  if (!receipt) return receipt.error();
  return begun;
}

bool SagaRunner::Engine::enter(const std::shared_ptr<OpenSaga>& open) {
  const std::lock_guard lock(mutex_);
  return open_.emplace(open->state.id, open).second;
}

void SagaRunner::Engine::forget(const std::shared_ptr<OpenSaga>& open) {
  open->is_left = true;
  {
    const std::lock_guard lock(mutex_);
    open_.erase(open->state.id);
  }
  left_.notify_all();
}

std::shared_ptr<OpenSaga> SagaRunner::Engine::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second;
}

void SagaRunner::Engine::leave(const std::shared_ptr<OpenSaga>& open) {
  open->is_left = true;
  for (std::size_t step = 0; step < open->state.steps.size(); ++step) due_.remove({open, step});
  {
    const std::lock_guard lock(mutex_);
    open_.erase(open->state.id);
    switch (open->state.phase) {
      case SagaPhase::completed:
        ++counts_.completed;
        break;
      case SagaPhase::compensated:
        ++counts_.compensated;
        break;
      case SagaPhase::stuck:
        ++counts_.stuck;
        break;
      default:
        ++counts_.halted;
    }
  }
  left_.notify_all();
}

void SagaRunner::Engine::wait_until_left(const std::string& id, std::chrono::milliseconds wait) {
  Lock lock(mutex_);
  left_.wait_for(lock, bounded(wait), [&] { return !open_.contains(id); });
}

SagaCounts SagaRunner::Engine::counts() const {
  const std::lock_guard lock(mutex_);
  SagaCounts counts = counts_;
  counts.under_way = open_.size();
  return counts;
}

void SagaRunner::Engine::report(const Error& error) const {
  if (options_.on_error) options_.on_error(error);
}

// --- Whose turn it is ----------------------------------------------------------------------------------------

void SagaRunner::Engine::start_threads() {
  for (std::size_t thread = 0; thread < options_.threads; ++thread) {
    threads_.emplace_back([this](const std::stop_token& stop) {
      while (auto due = due_.wait(stop)) {
        Lock lock(due->saga->mutex);
        look(due->saga, due->step, lock);
      }
    });
  }
}

std::optional<EventTime> SagaRunner::Engine::poll() {
  while (auto due = due_.try_take()) {
    Lock lock(due->saga->mutex);
    look(due->saga, due->step, lock);
  }
  return due_.next();
}

void SagaRunner::Engine::schedule(const std::shared_ptr<OpenSaga>& open) {
  for (std::size_t step = 0; step < open->state.steps.size(); ++step) {
    const SagaStepState& at = open->state.steps[step];
    if (!is_under_way(at.phase)) continue;
    // When another step has failed, this one's next attempt is given up: at once, not when it comes due.
    const bool now = at.phase == StepPhase::acting && open->state.phase != SagaPhase::running;
    due_.add(now ? time.wall_time() : at.next_attempt, {open, step});
  }
}

// --- One step ------------------------------------------------------------------------------------------------

void SagaRunner::Engine::look(const std::shared_ptr<OpenSaga>& open, std::size_t step, Lock& lock) {
  const SagaStepState& at = open->state.steps[step];
  StepHere& here = open->here[step];
  if (open->is_left || !is_under_way(at.phase) || here.runs) return;
  if (here.held) {
    StepAnswer held = std::move(*here.held);
    here.held.reset();
    return settle(open, step, std::move(held));
  }
  const EventTime now = time.wall_time();
  const auto decide = [&](void (SagaTransition::*what)(std::size_t)) {
    SagaTransition transition(saga, open->state, now);
    (transition.*what)(step);
    if (const auto done = commit(open, std::move(transition)); !done) postpone(open, step, done.error());
  };
  if (here.waits) {
    if (now < here.answer_by) return due_.add(here.answer_by, {open, step});
    return decide(&SagaTransition::time_out);
  }
  if (at.phase == StepPhase::acting) {
    if (open->state.phase != SagaPhase::running) return decide(&SagaTransition::give_up);
    if (now >= at.deadline) return decide(&SagaTransition::time_out);
  }
  if (now < at.next_attempt) return due_.add(at.next_attempt, {open, step});
  if (options_.lease != nullptr && !options_.lease->is_held()) {
    report(Error{"the lease '" + options_.lease->name() + "' is lost: the saga is left to its next holder",
                 stream_of(saga, open->state.id)});
    return leave(open);
  }
  run(open, step, lock);
}

void SagaRunner::Engine::run(const std::shared_ptr<OpenSaga>& open, std::size_t step, Lock& lock) {
  const bool acts = open->state.steps[step].phase == StepPhase::acting;
  const EventId begun = open->state.steps[step].begun;
  const SagaState seen = open->state;
  open->here[step].runs = true;
  lock.unlock();
  StepAnswer answer;
  try {
    const StepCall call(saga, seen, step, acts ? StepCall::Way::action : StepCall::Way::compensation);
    answer = (acts ? saga.steps[step].action : saga.steps[step].compensation)(call);
  } catch (const std::exception& thrown) {
    answer = StepAnswer::retry(thrown.what());
  } catch (...) {
    answer = StepAnswer::retry("threw what is no std::exception");
  }
  lock.lock();
  StepHere& here = open->here[step];
  here.runs = false;
  if (open->is_left) return;
  const SagaStepState& at = open->state.steps[step];
  // Somebody answered in its place, or another runner was quicker: what is due now waited for this call to end.
  if (at.begun != begun || !is_under_way(at.phase) || at.attempts != seen.steps[step].attempts) {
    return schedule(open);
  }
  if (answer.kind != StepAnswer::Kind::wait) return settle(open, step, std::move(answer));
  here.waits = true;
  const EventTime now = time.wall_time();
  here.answer_by = acts ? at.deadline : time_after(now, saga.steps[step].deadline);
  due_.add(here.answer_by, {open, step});
}

void SagaRunner::Engine::settle(const std::shared_ptr<OpenSaga>& open, std::size_t step, StepAnswer answer) {
  SagaTransition transition(saga, open->state, time.wall_time());
  transition.settle(step, answer);
  if (const auto done = commit(open, std::move(transition)); !done) {
    open->here[step].held = std::move(answer);
    postpone(open, step, done.error());
  }
}

void SagaRunner::Engine::postpone(const std::shared_ptr<OpenSaga>& open, std::size_t step, const Error& error) {
  report(error);
  if (error.retry == Error::Retry::no) return leave(open);
  due_.add(time_after(time.wall_time(), options_.store_pause), {open, step});
}

// --- One transition ------------------------------------------------------------------------------------------

Result<bool> SagaRunner::Engine::commit(const std::shared_ptr<OpenSaga>& open, SagaTransition transition) {
  if (const Status prepared = prepare_letters(*open, transition); !prepared) return prepared.error();
  const auto expected = ExpectedVersion::exact(open->state.version);
  const auto receipt =
      store.append(AppendRequest::to(stream_of(saga, open->state.id), expected, transition.events()));
  if (!receipt) return receipt.error();
  if (receipt->outcome == AppendOutcome::appended) {
    adopt(open, transition.state());
    return true;
  }
  // Another runner was quicker: go on from what it wrote.
  auto state = load_saga(store, saga, open->state.id);
  if (!state) return state.error();
  adopt(open, std::move(*state));
  return false;
}

/// Before the history says so: a crash in between leaves a letter too many, of a saga that tries once more, and
/// the next letter takes its place.
Status SagaRunner::Engine::prepare_letters(const OpenSaga& open, const SagaTransition& transition) {
  const SagaState& next = transition.state();
  if (next.phase == SagaPhase::stuck) {
    auto history = read_history(store, saga, next.id);
    if (!history) return history.error();
    history->insert(history->end(), transition.events().begin(), transition.events().end());
    DeadLetter letter = letter_of(saga, next, *history);
    const auto added = dead_letters_.add({&letter, 1});
    if (!added) return added.error();
    if (added->letters == 0) return Error{"the dead letters are full", subscription_of(saga), Error::Retry::maybe};
  }
  if (has_ended(next.phase) && open.state.was_stuck) {
    DeadLetterFilter filter;
    filter.subscription = subscription_of(saga);
    filter.event = next.started;
    // Whoever holds it now: there is nothing left to redrive.
    const auto gone = dead_letters_.discard(filter, EventTime::max());
    if (!gone) return gone.error();
  }
  return Nothing{};
}

void SagaRunner::Engine::adopt(const std::shared_ptr<OpenSaga>& open, SagaState state) {
  for (std::size_t step = 0; step < state.steps.size(); ++step) {
    const SagaStepState& before = open->state.steps[step];
    const SagaStepState& after = state.steps[step];
    if (before.phase == after.phase && before.begun == after.begun && before.attempts == after.attempts) continue;
    open->here[step].waits = false;
    open->here[step].held.reset();
  }
  open->state = std::move(state);
  if (has_ended(open->state.phase) || open->state.phase == SagaPhase::stuck) return leave(open);
  schedule(open);
}

// --- What others ask for -------------------------------------------------------------------------------------

Result<SagaRunner::Answered> SagaRunner::Engine::answer(std::string_view key, const StepAnswer& answer) {
  constexpr std::string_view kUndo = ":undo";
  const StepPhase wanted = key.ends_with(kUndo) ? StepPhase::compensating : StepPhase::acting;
  if (wanted == StepPhase::compensating) key.remove_suffix(kUndo.size());
  // Neither the table's name nor the step's has a slash; the id between them may.
  const std::size_t id_begins = saga.name.size() + 1;
  const std::size_t slash = key.rfind('/');
  const bool is_ours = key.starts_with(saga.name + "/") && slash >= id_begins;
  if (!is_ours || answer.kind == StepAnswer::Kind::wait) return Answered::not_wanted;
  const auto open = find(std::string{key.substr(id_begins, slash - id_begins)});
  if (open == nullptr) return Answered::not_wanted;
  const std::lock_guard lock(open->mutex);
  for (std::size_t step = 0; step < open->state.steps.size(); ++step) {
    const SagaStepState& at = open->state.steps[step];
    if (at.name != key.substr(slash + 1)) continue;
    const StepHere& here = open->here[step];
    // Between two attempts nobody waits for a failure, but work that is done is done.
    const bool is_wanted = here.waits || here.runs || answer.kind != StepAnswer::Kind::retry;
    if (open->is_left || at.phase != wanted || !is_wanted) return Answered::not_wanted;
    SagaTransition transition(saga, open->state, time.wall_time());
    transition.settle(step, answer);
    const auto done = commit(open, std::move(transition));
    if (!done) return done.error();
    return *done ? Answered::taken : Answered::not_wanted;
  }
  return Answered::not_wanted;
}

Result<bool> SagaRunner::Engine::revive(const std::string& id) {
  auto state = load_saga(store, saga, id);
  if (!state) return state.error();
  if (state->phase != SagaPhase::stuck) return false;
  // Whoever wrote that it is stuck may not have left it yet.
  if (const auto open = find(id); open != nullptr) const std::lock_guard lock(open->mutex);
  const auto expected = ExpectedVersion::exact(state->version);
  SagaTransition transition(saga, std::move(*state), time.wall_time());
  transition.revive();
  return begin(transition, expected);
}

}  // namespace headrace
