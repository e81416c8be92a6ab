#include "headrace/memory/memory_source.hpp"

#include <utility>

namespace headrace::memory {
namespace {

/// How long a thread waits before it looks at everything again, should a wake-up have come in between.
constexpr std::chrono::milliseconds kLook{20};

}  // namespace

Capabilities capabilities() {
  return {.name = "memory",
          .order_by_key = true,
          .retry = true,
          .dead_letters = true,
          .redelivery_flag = true,
          .headers = true,
          .content_type = true,
          .durable = false,
          .body_bytes_max = std::size_t{64} << 20};
}

MemorySource::MemorySource(std::shared_ptr<MemoryBroker> broker, MemorySourceOptions options)
    : broker_(std::move(broker)), options_(std::move(options)), health_(options_.on_health) {}

MemorySource::~MemorySource() { halt(); }

Status MemorySource::start(Deliver deliver) {
  if (options_.queue.empty()) return Error{"the queue has no name", "memory source"};
  if (options_.unsettled_max == 0) return Error{"unsettled_max must be at least 1", "memory source"};
  HEADRACE_CHECK("memory.source.started", !thread_.joinable(), "a source is started once, or after stop()");
  deliver_ = std::move(deliver);
  {
    const std::scoped_lock lock(mutex_);
    draining_ = halting_ = false;
  }
  health_.set(AdapterState::connecting);
  thread_ = std::thread([this] { run(); });
  return Nothing{};
}

void MemorySource::pause() {
  const std::scoped_lock lock(mutex_);
  paused_ = true;
}

void MemorySource::resume() {
  {
    const std::scoped_lock lock(mutex_);
    paused_ = false;
  }
  inbox_->nudge();
}

bool MemorySource::halting() const {
  const std::scoped_lock lock(mutex_);
  return halting_;
}

std::size_t MemorySource::room() const {
  const std::size_t out = inbox_->outstanding();
  const std::scoped_lock lock(mutex_);
  return paused_ || draining_ || halting_ || out >= options_.unsettled_max ? 0 : options_.unsettled_max - out;
}

void MemorySource::run() {
  Backoff backoff(options_.backoff, reinterpret_cast<std::uintptr_t>(this));
  while (!halting()) {
    const auto connection = broker_->connect();
    if (connection != 0) {
      backoff.reset();
      health_.set(AdapterState::up);
      serve(connection);
      broker_->disconnect(connection);
      inbox_->renew();
      if (halting()) break;
    }
    health_.set(AdapterState::connecting, "the broker is down");
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, backoff.next(), [this] { return halting_; });
  }
  health_.set(AdapterState::idle);
}

void MemorySource::settle_answered(MemoryBroker::Connection connection) {
  for (const auto& answer : inbox_->take()) broker_->settle(connection, answer.tag, answer.settlement);
}

void MemorySource::serve(MemoryBroker::Connection connection) {
  while (!halting() && broker_->is_connected(connection)) {
    settle_answered(connection);
    const std::size_t count = room();
    if (count == 0) {
      for (const auto& answer : inbox_->take(kLook)) broker_->settle(connection, answer.tag, answer.settlement);
      continue;
    }
    for (auto& taken : broker_->take(connection, options_.queue, count,
                                     inbox_->outstanding() == 0 ? kLook : std::chrono::milliseconds(1))) {
      const bool again = take_again_header(taken.message) || taken.attempt > 1;
      deliver_({std::move(taken.message), Settle(inbox_, inbox_->issue(taken.tag)), again, taken.attempt});
    }
  }
  settle_answered(connection);
}

std::size_t MemorySource::stop(std::chrono::milliseconds deadline) {
  {
    const std::scoped_lock lock(mutex_);
    draining_ = true;
  }
  (void)inbox_->wait_until_settled(deadline);
  const std::size_t left = inbox_->outstanding();
  halt();
  return left;
}

void MemorySource::halt() {
  {
    const std::scoped_lock lock(mutex_);
    halting_ = true;
  }
  changed_.notify_all();
  inbox_->nudge();
  broker_->wake();
  if (thread_.joinable()) thread_.join();
}

}  // namespace headrace::memory
