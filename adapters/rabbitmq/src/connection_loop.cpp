#include "connection_loop.hpp"

#include <cstdint>
#include <utility>

#include "headrace/port/deadline.hpp"

namespace headrace::rabbitmq {

Status ConnectionLoop::start(Serve serve) {
  HEADRACE_CHECK("rabbitmq.started", !thread_.joinable(), "a source or sink is started once, or after stop()");
  auto address = RabbitAddress::of(options_);
  if (!address) return address.error();
  address_ = std::move(*address);
  serve_ = std::move(serve);
  {
    const std::scoped_lock lock(mutex_);
    halting_ = ended_ = false;
  }
  health_.set(AdapterState::connecting);
  thread_ = std::thread([this] { run(); });
  return Nothing{};
}

bool ConnectionLoop::halting() const {
  const std::scoped_lock lock(mutex_);
  return halting_;
}

void ConnectionLoop::connected() {
  was_connected_ = true;
  health_.set(AdapterState::up);
}

Status ConnectionLoop::connect_and_serve() {
  auto connection = Connection::open(address_, options_, breaker_);
  if (!connection) return connection.error();
  return serve_(*connection);
}

void ConnectionLoop::run() {
  Backoff backoff(options_.backoff, reinterpret_cast<std::uintptr_t>(this));
  while (!halting()) {
    const Status ended = connect_and_serve();
    if (std::exchange(was_connected_, false)) backoff.reset();
    if (halting()) break;
    std::unique_lock lock(mutex_, std::defer_lock);
    if (!ended && ended.error().retry == Error::Retry::no) {
      health_.set(AdapterState::gave_up, ended.error().message());
      lock.lock();
      changed_.wait(lock, [this] { return halting_; });
      break;
    }
    health_.set(AdapterState::connecting, ended ? "" : ended.error().message());
    lock.lock();
    changed_.wait_for(lock, backoff.next(), [this] { return halting_; });
  }
  health_.set(AdapterState::idle);
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void ConnectionLoop::halt() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    halting_ = true;
    changed_.notify_all();
    waker_->wake();
    if (!changed_.wait_for(lock, bounded(options_.answer_timeout), [this] { return ended_; })) breaker_.cut();
  }
  thread_.join();
}

}  // namespace headrace::rabbitmq
