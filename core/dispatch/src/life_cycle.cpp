#include <algorithm>

#include "headrace/base/topology.hpp"
#include "headrace/dispatch/dispatcher.hpp"

namespace headrace {
namespace {

constexpr std::chrono::nanoseconds kBetweenHandlersMax = std::chrono::seconds(1);

std::uint64_t after(std::uint64_t now_ns, std::chrono::nanoseconds delay) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0));
  return ns > ~std::uint64_t{0} - now_ns ? ~std::uint64_t{0} : now_ns + ns;
}

}  // namespace

void Dispatcher::start() {
  const std::lock_guard lock(mutex_);
  if (life_ != Life::made) throw ConfigError("start() was called twice, or after stop()");
  if (!workers_polled_) {
    Result<std::vector<int>> cpus = pick_cpus(workers_wanted_, options_.pin);
    if (!cpus) throw ConfigError(cpus.error().message());
    for (unsigned index = 0; index < workers_wanted_; ++index) {
      finished_.push_back(std::make_unique<Atomic<bool>>(false));
      threads_.emplace_back([this, index, cpus = *cpus] {
        name_current_thread("hr-worker-" + std::to_string(index));
        // pick_cpus chose among the allowed ones; a mask that shrank since leaves the worker where it may run. One
        // that is not pinned must not inherit the pin of the thread that called start().
        const Status placed = cpus.empty() ? unpin_current_thread() : pin_current_thread(cpus[index]);
        static_cast<void>(placed.has_value());
        workers_[index]->run();
        finished_[index]->store(true, std::memory_order_release);  // G1 -> G2
        life_changed_.notify();
      });
    }
  }
  life_ = Life::running;
}

std::uint64_t Dispatcher::poll(std::uint64_t budget) {
  std::uint64_t settled = 0;
  for (unsigned worker = 0; worker < worker_count(); ++worker) settled += poll_worker(worker, budget);
  return settled;
}

std::uint64_t Dispatcher::poll_worker(unsigned worker, std::uint64_t budget) {
  HEADRACE_CHECK("dispatcher.poll", workers_polled_, "poll() is for a bus with workers = 0");
  const Worker* const outer = Worker::current();
  HEADRACE_CHECK("dispatcher.poll_inside", outer == nullptr || &outer->dispatcher() != this,
                 "poll() inside a handler");
  const Worker::Scope scope(*workers_[worker]);
  return workers_[worker]->turn(budget);
}

void Dispatcher::close_intake() noexcept {
  each_publisher([](PublisherState& publisher) {
    if (publisher.owner() == PublisherState::Owner::program) publisher.close();
  });
  // The direct way asks nobody: from here on all events take the way that does.
  for (const auto& topic : topics_.all())
    topic->direct.store(0, std::memory_order_relaxed);  // no partner: a value
  asymmetric_fence_heavy();                             // F2 <-> F1
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
  std::vector<std::string> stuck;
  for (const auto& worker : workers_) worker->halt();
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const auto finished = [&] { return finished_[i]->load(std::memory_order_acquire); };  // G2 <- G1
    bool ended = life_changed_.await_until(until_ns, finished);
    // Between handlers a worker ends by itself, once a busy machine gives it a core.
    if (!ended && workers_[i]->running() == nullptr) {
      ended = life_changed_.await_until(after(steady_ns(), kBetweenHandlersMax), finished);
    }
    if (ended) {
      threads_[i].join();
    } else {
      stuck.push_back(running_on(static_cast<unsigned>(i)));
    }
  }
  std::erase_if(threads_, [](const std::thread& thread) { return !thread.joinable(); });
  return stuck;
}

StopReport Dispatcher::stop(std::chrono::nanoseconds deadline) {
  HEADRACE_CHECK("dispatcher.stop", Worker::current() == nullptr, "stop() inside a handler would wait for itself");
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
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  const std::lock_guard lock(mutex_);
  static_cast<void>(abandon_all());
}

}  // namespace headrace
