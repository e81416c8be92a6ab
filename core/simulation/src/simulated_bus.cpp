#include "headrace/simulation/simulated_bus.hpp"

#include <algorithm>
#include <limits>

#include "headrace/delivery/later.hpp"

namespace headrace {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

const auto kLater = [](const auto& a, const auto& b) {
  return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.serial > b.serial;
};

std::string_view to_string(SimulatedStep::Kind kind) {
  using Kind = SimulatedStep::Kind;
  switch (kind) {
    case Kind::polled:
      return "polled worker";
    case Kind::stalled:
      return "stalled worker";
    case Kind::published:
      return "ran publisher";
    case Kind::called:
      return "called";
    case Kind::waited:
      return "waited";
  }
  return "unknown";
}

}  // namespace

DispatcherOptions SimulatedBus::dispatcher_options(const SimulationOptions& options, SimulatedBus& self) {
  DispatcherOptions bus = options.bus;
  bus.workers = 0;
  bus.polled_workers = options.workers;
  bus.time = self.time_.source();
  bus.repeatable = true;
  bus.make_id = [&self] {
    const std::uint64_t number = ++self.ids_made_;
    return EventId::of(self.time_.now_ns() / 1'000'000, number >> 52, mix64(self.options_.seed + number));
  };
  return bus;
}

SimulatedBus::SimulatedBus(SimulationOptions options)
    : options_([&] {
        if (options.delivery.seed == 0) options.delivery.seed = mix64(options.seed) | 1;
        return std::move(options);
      }()),
      random_(options_.seed),
      handler_faults_(options_.faults, random_, time_),
      bus_(std::make_unique<Bus>(dispatcher_options(options_, *this), options_.delivery)),
      workers_(options_.workers) {
  if (options_.budget_max == 0) throw ConfigError("budget_max is 0: a worker takes at least one event");
  bus_->start();
}

SimulatedBus::~SimulatedBus() { static_cast<void>(bus_->stop(std::chrono::nanoseconds::zero())); }

SimulatedPublisher& SimulatedBus::publisher() {
  full_since_.push_back(0);
  return *publishers_.emplace_back(std::make_unique<SimulatedPublisher>(*bus_, options_.faults, random_, time_));
}

void SimulatedBus::after(std::chrono::nanoseconds delay, std::function<void()> call) {
  calls_.push_back({later(time_.now_ns(), delay), ++calls_made_, std::move(call)});
  std::push_heap(calls_.begin(), calls_.end(), kLater);
}

void SimulatedBus::wake_all() noexcept {
  for (WorkerTurn& worker : workers_) worker.may_run = true;
}

/// A publisher that was refused may run again once a worker has settled something.
void SimulatedBus::collect_runnable() {
  runnable_.clear();
  const std::uint64_t now = time_.now_ns();
  std::uint32_t at = 0;
  for (const WorkerTurn& worker : workers_) {
    if (worker.may_run && worker.stalled_until_ns <= now) runnable_.push_back(at);
    ++at;
  }
  for (std::size_t i = 0; i < publishers_.size(); ++i, ++at) {
    const bool blocked = full_since_[i] != 0 && full_since_[i] >= progress_;
    if (!blocked && publishers_[i]->next_due_ns() <= now) runnable_.push_back(at);
  }
  if (!calls_.empty() && calls_.front().due_ns <= now) runnable_.push_back(at);
}

bool SimulatedBus::step(std::uint64_t until_ns) {
  SimulatedStep step{SimulatedStep::Kind::waited, 0, 0, 0, time_.now_ns()};
  if (random_.hits(options_.faults.clock_jump)) {
    const auto most = static_cast<std::uint64_t>(options_.faults.clock_jump_max.count());
    const auto jump = static_cast<std::int64_t>(random_.below(2 * most + 1)) - static_cast<std::int64_t>(most);
    time_.set_wall_by(std::chrono::nanoseconds(jump));
    note(static_cast<std::uint64_t>(jump));
  }
  collect_runnable();
  if (runnable_.empty()) {
    if (!wait(until_ns, step)) return false;
  } else {
    const std::uint32_t who = runnable_[random_.below(runnable_.size())];
    if (who < workers_.size()) {
      poll(who, step);
    } else if (who < workers_.size() + publishers_.size()) {
      run_publisher(who - static_cast<std::uint32_t>(workers_.size()), step);
    } else {
      run_call(step);
    }
  }
  record(step);
  return true;
}

void SimulatedBus::poll(std::uint32_t worker, SimulatedStep& step) {
  step.who = worker;
  if (random_.hits(options_.faults.stall)) {
    const auto most = static_cast<std::uint64_t>(options_.faults.stall_max.count());
    workers_[worker].stalled_until_ns = time_.now_ns() + random_.between(1, most);
    step.kind = SimulatedStep::Kind::stalled;
    return;
  }
  step.kind = SimulatedStep::Kind::polled;
  step.budget = random_.between(1, options_.budget_max);
  step.settled = bus_->dispatcher().poll_worker(worker, step.budget);
  if (step.settled == 0) {
    workers_[worker].may_run = false;
    return;
  }
  progress_ = steps_ + 1;
  // It may have published to any of them, and time may have gone on.
  wake_all();
}

void SimulatedBus::run_publisher(std::uint32_t publisher, SimulatedStep& step) {
  step.kind = SimulatedStep::Kind::published;
  step.who = publisher;
  step.settled = publishers_[publisher]->run() ? 1 : 0;
  full_since_[publisher] = step.settled != 0 ? 0 : steps_ + 1;
  wake_all();
}

void SimulatedBus::run_call(SimulatedStep& step) {
  step.kind = SimulatedStep::Kind::called;
  std::pop_heap(calls_.begin(), calls_.end(), kLater);
  const std::function<void()> call = std::move(calls_.back().call);
  calls_.pop_back();
  call();
  progress_ = steps_ + 1;
  wake_all();
}

/// When something happens of which the present knows nothing; never: it is quiet.
std::uint64_t SimulatedBus::next_due_ns() const {
  const std::uint64_t now = time_.now_ns();
  std::uint64_t next = kNever;
  const auto consider = [&](std::uint64_t due_ns) {
    if (due_ns > now) next = std::min(next, due_ns);
  };
  for (std::uint32_t worker = 0; worker < workers_.size(); ++worker) {
    if (workers_[worker].may_run) consider(workers_[worker].stalled_until_ns);
    consider(bus_->dispatcher().next_due_ns(worker));
  }
  for (const auto& publisher : publishers_) consider(publisher->next_due_ns());
  if (!calls_.empty()) consider(calls_.front().due_ns);
  return next;
}

bool SimulatedBus::wait(std::uint64_t until_ns, SimulatedStep& step) {
  const std::uint64_t next = next_due_ns();
  if (next == kNever || next > until_ns) return false;
  step.settled = next - time_.now_ns();
  time_.move_to(next);
  wake_all();
  return true;
}

void SimulatedBus::record(const SimulatedStep& step) {
  ++steps_;
  note(static_cast<std::uint64_t>(step.kind) | std::uint64_t{step.who} << 8 | step.budget << 32);
  note(step.settled ^ step.begun_ns << 20);
  if (last_steps_.size() < kLastSteps) {
    last_steps_.push_back(step);
  } else {
    last_steps_[(steps_ - 1) % kLastSteps] = step;
  }
  if (on_step_) on_step_(step);
}

void SimulatedBus::advance(std::chrono::nanoseconds time) {
  wake_all();  // somebody outside may have done something: redriven a letter, ended a subscription
  const std::uint64_t until_ns = later(time_.now_ns(), time);
  while (step(until_ns)) {
  }
  time_.move_to(until_ns);
  wake_all();
  while (step(until_ns)) {
  }
}

bool SimulatedBus::run_until_quiet(std::chrono::nanoseconds at_most) {
  wake_all();  // somebody outside may have done something: redriven a letter, ended a subscription
  const std::uint64_t until_ns = later(time_.now_ns(), at_most);
  while (step(until_ns)) {
  }
  return next_due_ns() == kNever;
}

StopReport SimulatedBus::stop(std::chrono::nanoseconds deadline) {
  static_cast<void>(run_until_quiet(deadline));
  return bus_->stop(std::chrono::nanoseconds::zero());
}

std::string SimulatedBus::describe() const {
  std::string text = "simulation of seed " + std::to_string(options_.seed) + ", step " + std::to_string(steps_) +
                     ", at " + std::to_string(time_.now_ns()) + " ns; the last steps:";
  const std::size_t count = last_steps_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const SimulatedStep& step = last_steps_[(steps_ - count + i) % kLastSteps];
    text += "\n  " + std::to_string(step.begun_ns) + " ns: ";
    text += to_string(step.kind);
    text += " " + std::to_string(step.who) + ", budget " + std::to_string(step.budget) + ", result " +
            std::to_string(step.settled);
  }
  return text;
}

}  // namespace headrace
