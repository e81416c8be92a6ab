#include "headrace/port/connection_loop.hpp"

#include <cstdint>
#include <utility>

#include "headrace/base/check.hpp"
#include "headrace/port/deadline.hpp"

namespace headrace {

ConnectionLoop::~ConnectionLoop() {
  halt();
  HEADRACE_CHECK("adapter.own_thread", !thread_.joinable(), "a source or sink does not end on its own thread");
}

void ConnectionLoop::start(Serve serve, Cut cut) {
  const std::scoped_lock joining(joining_);
  {
    const std::scoped_lock lock(mutex_);
    if (gave_up_) {  // it waits for nothing else
      halting_ = true;
      changed_.notify_all();
    }
    const bool stopped = halting_ && own_ != std::this_thread::get_id();
    HEADRACE_CHECK("adapter.started", !thread_.joinable() || stopped,
                   "a source or sink is started once, or after stop()");
  }
  if (thread_.joinable()) thread_.join();  // it was halted by itself
  serve_ = std::move(serve);
  cut_ = std::move(cut);
  {
    const std::scoped_lock lock(mutex_);
    halting_ = ended_ = gave_up_ = false;
  }
  health_.set(AdapterState::connecting);
  thread_ = std::thread([this] { run(); });
}

bool ConnectionLoop::halting() const {
  const std::scoped_lock lock(mutex_);
  return halting_;
}

void ConnectionLoop::connected() {
  was_connected_ = true;
  health_.set(AdapterState::up);
}

bool ConnectionLoop::rest(std::chrono::milliseconds how_long) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, bounded(how_long), [this] { return halting_; });
}

void ConnectionLoop::run() {
  {
    const std::scoped_lock lock(mutex_);
    own_ = std::this_thread::get_id();
  }
  away_at_ = std::chrono::steady_clock::now();
  Backoff backoff(options_.backoff, reinterpret_cast<std::uintptr_t>(this));
  while (!halting()) {
    const auto begun = std::chrono::steady_clock::now();
    const Status ended = serve_();
    if (std::exchange(was_connected_, false)) backoff.reset();
    // A sink is connected() when the server has answered about a message, which an idle one never hears.
    backoff.lasted(std::chrono::steady_clock::now() - begun);
    if (halting()) break;
    const bool for_good = !ended && ended.error().retry == Error::Retry::no;
    tell_broken(ended);
    if (for_good) {
      std::unique_lock lock(mutex_);
      gave_up_ = true;
      changed_.wait(lock, [this] { return halting_; });
    } else {
      rest(backoff.next());
    }
  }
  health_.set(AdapterState::idle);
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  own_ = {};
  changed_.notify_all();
}

void ConnectionLoop::tell_broken(const Status& ended) {
  const auto now = std::chrono::steady_clock::now();
  // A sink says up by itself, before the server has answered about a message.
  const AdapterState was = health_.get().state;
  if (was == AdapterState::up || was == AdapterState::blocked) away_at_ = now;
  const bool for_good = !ended && ended.error().retry == Error::Retry::no;
  const AdapterState still = now - away_at_ >= options_.down_after ? AdapterState::down : AdapterState::connecting;
  health_.set(for_good ? AdapterState::gave_up : still, ended ? "" : ended.error().message());
}

void ConnectionLoop::halt() {
  bool own = false;
  {
    const std::scoped_lock lock(mutex_);
    halting_ = true;
    own = own_ == std::this_thread::get_id();
  }
  changed_.notify_all();
  waker_->wake();
  if (options_.on_halt) options_.on_halt();
  if (own) return;
  const std::scoped_lock joining(joining_);
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    const bool ended = changed_.wait_for(lock, bounded(options_.patience), [this] { return ended_; });
    if (!ended && cut_) cut_();
  }
  thread_.join();
}

}  // namespace headrace
