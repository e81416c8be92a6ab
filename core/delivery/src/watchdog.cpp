#include "headrace/delivery/watchdog.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace headrace {
namespace {

constexpr std::chrono::nanoseconds kShortestLook = std::chrono::milliseconds(1);

}  // namespace

void Watchdog::watch(std::vector<WatchSlot*> slots, std::chrono::nanoseconds limit, Looks looks) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  slots_ = std::move(slots);
  shortest_ = std::min(shortest_, limit);
  const bool looks_by_itself = looks == Looks::to_move || (looks == Looks::to_report && report_);
  if (looks_by_itself && !thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

std::vector<SlowHandler> Watchdog::slow_handlers() const {
  const std::lock_guard lock(mutex_);
  std::vector<SlowHandler> all;
  if (stopped_) return all;
  const std::uint64_t now_ns = time_.now_ns();
  for (const WatchSlot* slot : slots_) {
    std::vector<SlowHandler> slow = slot->slow(now_ns);
    std::move(slow.begin(), slow.end(), std::back_inserter(all));
  }
  return all;
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const auto known = shortest_;
    changed_.wait_for(lock, std::max(known / 2, kShortestLook), [&] { return stopped_ || shortest_ != known; });
    if (stopped_) return;
    const std::vector<WatchSlot*> slots = slots_;
    lock.unlock();  // who is told may ask, and subscribe
    for (WatchSlot* slot : slots) {
      if (was_stopped()) break;  // by who was told of the one before
      const std::uint64_t now_ns = time_.now_ns();
      // What hung is told of also if it goes on as soon as the worker does; and whoever is told may take its time.
      const std::vector<SlowHandler> newly_slow = slot->newly_slow(now_ns);
      slot->ask_for_stand_in(now_ns);
      if (!report_) continue;
      for (const SlowHandler& slow : newly_slow) {
        if (was_stopped()) break;
        report_(slow);
      }
    }
    lock.lock();
  }
}

bool Watchdog::was_stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

void Watchdog::stop() noexcept {
  bool is_itself = false;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    is_itself = thread_.get_id() == std::this_thread::get_id();
  }
  changed_.notify_all();
  if (thread_.joinable() && !is_itself) thread_.join();
}

}  // namespace headrace
