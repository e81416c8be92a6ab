#include <algorithm>
#include <iterator>
#include <system_error>

#include "headrace/base/topology.hpp"
#include "headrace/dispatch/dispatcher.hpp"

namespace headrace {
namespace {

constexpr std::chrono::nanoseconds kBetweenHandlersMax = std::chrono::seconds(1);

std::uint64_t after(std::uint64_t now_ns, std::chrono::nanoseconds delay) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0));
  return ns > ~std::uint64_t{0} - now_ns ? ~std::uint64_t{0} : now_ns + ns;
}

/// Whether this thread is in one: that of another bus may poll and stop this one.
bool is_inside_handler_of(const Dispatcher& bus) noexcept {
  HandlerSeat* const seat = HandlerSeat::current();
  return Worker::runs_here(bus) || (seat != nullptr && &seat->context().dispatcher() == &bus);
}

}  // namespace

void Dispatcher::start() {
  const std::lock_guard lock(mutex_);
  if (life_ != Life::made) throw ConfigError("start() was called twice, or after stop()");
  if (!workers_polled_) {
    Result<std::vector<int>> cpus = pick_cpus(workers_wanted_, options_.pin);
    if (!cpus) throw ConfigError(cpus.error().message());
    cpus_ = std::move(*cpus);
    for (unsigned index = 0; index < workers_wanted_; ++index) {
      run_thread(index, [this, index] { workers_[index]->run(); });
    }
  }
  life_ = Life::running;
}

void Dispatcher::run_thread(unsigned worker, const std::function<void()>& body) {
  WorkerThread& made = threads_.emplace_back(worker);
  try {
    made.thread = std::thread([this, &made, body] {
      name_current_thread("hr-worker-" + std::to_string(made.worker));
      // pick_cpus chose among the allowed ones; a mask that shrank since leaves the worker where it may run. One
      // that is not pinned must not inherit the pin of the thread that called start().
      const Status placed = cpus_.empty() ? unpin_current_thread() : pin_current_thread(cpus_[made.worker]);
      static_cast<void>(placed.has_value());
      body();
      made.finished.store(true, std::memory_order_release);  // G1 -> G2
      life_changed_.notify();
    });
  } catch (...) {
    threads_.pop_back();
    throw;
  }
}

bool Dispatcher::stand_in(unsigned worker, std::function<bool()> take) {
  std::list<WorkerThread> back;  // joined without the mutex, which a thread may want that ends
  const std::lock_guard lock(mutex_);
  if (ends_workers_) return false;
  unsigned alive = 0;
  for (auto of = threads_.begin(); of != threads_.end();) {
    const auto at = of++;
    if (at->finished.load(std::memory_order_acquire)) {  // G2 <- G1
      back.splice(back.end(), threads_, at);
    } else {
      alive += at->worker == worker ? 1 : 0;
    }
  }
  if (alive > options_.stand_ins_max) return false;
  try {
    run_thread(worker, [this, worker, take = std::move(take)] {
      if (take()) workers_[worker]->run();
    });
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

std::uint64_t Dispatcher::poll(std::uint64_t budget) {
  std::uint64_t settled = 0;
  for (unsigned worker = 0; worker < worker_count(); ++worker) settled += poll_worker(worker, budget);
  return settled;
}

std::uint64_t Dispatcher::poll_worker(unsigned worker, std::uint64_t budget) {
  HEADRACE_CHECK("dispatcher.poll", workers_polled_, "poll() is for a bus with workers = 0");
  HEADRACE_CHECK("dispatcher.poll_inside", !is_inside_handler_of(*this), "poll() inside a handler");
  const Worker::Scope scope(*workers_[worker]);
  return workers_[worker]->poll(budget);
}

void Dispatcher::close_intake() noexcept {
  each_publisher([](PublisherState& publisher) {
    if (publisher.owner() == PublisherState::Owner::program) publisher.close();
  });
  // The direct way asks nobody: from here on all events take the way that does.
  for (const auto& topic : topics_.all()) {
    topic->direct.store(0, std::memory_order_relaxed);          // no partner: a value
    topic->direct_counted.store(0, std::memory_order_relaxed);  // no partner: a value
  }
  asymmetric_fence_heavy();  // F2 <-> F1
  each_publisher([](PublisherState& publisher) {
    for (const auto& lane : publisher.lanes()) lane->room.notify();
  });
}

std::uint64_t Dispatcher::in_flight() const noexcept {
  // What left is read before what entered, so that the difference is never too small.
  std::uint64_t left = 0;
  std::uint64_t entered = 0;
  each_publisher([&](PublisherState& publisher) {
    for (const auto& lane : publisher.lanes()) left += lane->left.value() + lane->removed.value();
  });
  for (const auto& worker : workers_) left += worker->balanced_left().value() + worker->kept_left().value();
  asymmetric_fence_heavy();  // no partner: it is a barrier on every core, between the two sums
  each_publisher([&](PublisherState& publisher) {
    entered += publisher.balanced_entered.value();
    for (const auto& lane : publisher.lanes()) entered += lane->entered();
  });
  for (const auto& worker : workers_) entered += worker->kept().value();
  return entered < left ? 0 : entered - left;  // an event that left and had not been seen to enter: they move
}

bool Dispatcher::publishers_are_outside() const noexcept {
  bool outside = true;
  each_publisher([&](PublisherState& publisher) {
    outside =
        outside && (publisher.owner() == PublisherState::Owner::worker || publisher.reader().turn() % 2 == 0);
  });
  return outside;
}

bool Dispatcher::wait_until_drained(std::uint64_t until_ns) {
  // A publisher that was inside when intake closed may still enter; a handler may publish until its event has
  // left.
  for (int round = 0;; ++round) {
    if (workers_polled_) {
      while (poll(1024) > 0) {
      }
    }
    if (publishers_are_outside() && in_flight() == 0) return true;
    if (steady_ns() >= until_ns) return false;
    if (round < 64) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
}

std::vector<std::string> Dispatcher::join_workers(std::uint64_t until_ns) {
  {
    const std::lock_guard lock(mutex_);
    ends_workers_ = true;
  }
  for (const auto& worker : workers_) worker->halt();
  const auto left_behind = [this](unsigned worker) {
    const WorkerAgent* const agent = workers_[worker]->agent();
    return agent == nullptr ? std::vector<std::string>() : agent->left_behind();
  };
  // Threads that are not in a handler.
  const auto between_handlers = [&] {
    std::vector<std::size_t> alive(workers_.size());
    for (const WorkerThread& of : threads_) {
      if (!of.finished.load(std::memory_order_acquire)) ++alive[of.worker];  // G2 <- G1
    }
    for (unsigned worker = 0; worker < workers_.size(); ++worker) {
      const std::size_t in_handlers =
          left_behind(worker).size() + (workers_[worker]->running() != nullptr ? 1 : 0);
      if (alive[worker] > in_handlers) return true;
    }
    return false;
  };
  const auto finished = [&] {
    return std::all_of(threads_.begin(), threads_.end(), [](const WorkerThread& of) {
      return of.finished.load(std::memory_order_acquire);  // G2 <- G1
    });
  };
  // Between handlers a worker ends by itself, once a busy machine gives it a core.
  if (!life_changed_.await_until(until_ns, finished) && between_handlers()) {
    static_cast<void>(life_changed_.await_until(after(steady_ns(), kBetweenHandlersMax),
                                                [&] { return finished() || !between_handlers(); }));
  }
  std::vector<std::size_t> stuck(workers_.size());
  threads_.remove_if([&](WorkerThread& of) {
    if (!of.finished.load(std::memory_order_acquire)) {  // G2 <- G1
      ++stuck[of.worker];
      return false;
    }
    return true;  // its destructor joins
  });
  std::vector<std::string> names;
  for (unsigned worker = 0; worker < workers_.size(); ++worker) {
    std::vector<std::string> left = left_behind(worker);
    left.resize(std::min(left.size(), stuck[worker]));
    if (stuck[worker] > left.size()) left.push_back(running_on(worker));
    std::move(left.begin(), left.end(), std::back_inserter(names));
  }
  return names;
}

StopReport Dispatcher::stop(std::chrono::nanoseconds deadline) {
  HEADRACE_CHECK("dispatcher.stop", !is_inside_handler_of(*this), "stop() inside a handler would wait for itself");
  StopReport report;
  const std::uint64_t begun = steady_ns();
  const auto life = [this] {
    const std::lock_guard lock(mutex_);
    return life_;
  };
  bool running = false;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = life_ < Life::stopping;
    if (first) {
      running = life_ == Life::running;
      life_ = Life::stopping;
      close_intake();
    }
  }
  if (!first) {
    static_cast<void>(life_changed_.await_until(after(begun, deadline), [&] { return life() == Life::stopped; }));
    const std::lock_guard lock(mutex_);
    report.ledger = ledger_locked();
    report.drained = report.ledger.in_flight == 0;
    report.took = std::chrono::nanoseconds(steady_ns() - begun);
    return report;
  }
  report.drained = wait_until_drained(running ? after(begun, deadline) : begun);
  constexpr std::chrono::nanoseconds kGrace = std::chrono::milliseconds(100);
  const std::uint64_t until_ns = std::max(after(begun, deadline), after(steady_ns(), kGrace));
  report.stuck = join_workers(until_ns);
  // Intake is closed, but a publisher that was inside may yet finish its event.
  while (!publishers_are_outside() && steady_ns() < until_ns) std::this_thread::yield();
  {
    const std::lock_guard lock(mutex_);
    life_ = Life::stopped;
    if (report.stuck.empty()) report.abandoned = abandon_all();
    report.ledger = ledger_locked();
  }
  life_changed_.notify();
  report.took = std::chrono::nanoseconds(steady_ns() - begun);
  return report;
}

/// No worker runs any more. A publisher on the direct way may still commit: either it sees that the bus is stopped
/// and withdraws its event (withdraw_late), or its event is found here.
std::uint64_t Dispatcher::abandon_all() {
  stopped_.store(true, std::memory_order_relaxed);  // no partner: whoever ends the doze below sees it
  each_publisher([](PublisherState& publisher) {
    for (const auto& lane : publisher.lanes()) lane->doze.begin();
  });
  Doze::fence();
  std::uint64_t lost = 0;
  for (const auto& worker : workers_) lost += worker->abandon_all();
  return lost;
}

void Dispatcher::withdraw_late(PublisherLane& from) noexcept {
  const std::lock_guard lock(mutex_);
  static_cast<void>(workers_[from.worker]->withdraw(from));
}

void Dispatcher::shut_down() noexcept {
  static_cast<void>(stop(std::chrono::seconds(1)));
  if (threads_.empty()) return;
  // A handler that hung past every deadline is waited for here: its thread may not outlive the bus.
  threads_.clear();
  const std::lock_guard lock(mutex_);
  static_cast<void>(abandon_all());
}

}  // namespace headrace
