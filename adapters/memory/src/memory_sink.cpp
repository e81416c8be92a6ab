#include "headrace/memory/memory_sink.hpp"

#include <utility>

#include "headrace/memory/memory_source.hpp"

namespace headrace::memory {
namespace {

constexpr std::chrono::milliseconds kRest{20};

}  // namespace

MemorySink::MemorySink(std::shared_ptr<MemoryBroker> broker, MemorySinkOptions options)
    : broker_(std::move(broker)),
      options_(std::move(options)),
      buffer_(options_.buffer),
      health_(options_.on_health) {}

MemorySink::~MemorySink() { halt(); }

Capabilities MemorySink::capabilities() const { return memory::capabilities(); }

Status MemorySink::start() {
  HEADRACE_CHECK("memory.sink.started", !thread_.joinable(), "a sink is started once, or after stop()");
  halting_ = false;
  buffer_.open();
  health_.set(AdapterState::connecting);
  thread_ = std::thread([this] { run(); });
  return Nothing{};
}

SendResult MemorySink::send(Message&& message, Confirm confirm) {
  if (message.body.size() > capabilities().body_bytes_max) return SendResult::too_large;
  return buffer_.put(std::move(message), std::move(confirm));
}

bool MemorySink::halting() const {
  const std::scoped_lock lock(mutex_);
  return halting_;
}

void MemorySink::rest(std::chrono::milliseconds how_long) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, how_long, [this] { return halting_; });
}

void MemorySink::run() {
  Backoff backoff(options_.backoff, reinterpret_cast<std::uintptr_t>(this));
  while (!halting()) {
    const auto connection = broker_->connect();
    if (connection == 0) {
      health_.set(AdapterState::connecting, "the broker is down");
      rest(backoff.next());
      continue;
    }
    backoff.reset();
    health_.set(AdapterState::up);
    serve(connection);
    broker_->disconnect(connection);
    buffer_.send_again();
  }
  health_.set(AdapterState::idle);
}

void MemorySink::serve(MemoryBroker::Connection connection) {
  while (!halting()) {
    const SendBuffer::Item* item = buffer_.next();
    if (item == nullptr) {
      if (!broker_->is_connected(connection)) return;
      buffer_.wait(kRest);
      continue;
    }
    auto put = broker_->put(connection, item->message);
    while (put == MemoryBroker::Put::full && !halting()) {
      health_.set(AdapterState::blocked, "the queue is full");
      rest(kRest);
      put = broker_->put(connection, item->message);
    }
    if (put != MemoryBroker::Put::stored) return;
    health_.set(AdapterState::up);
    buffer_.confirm(item->number, Nothing{});
  }
}

std::size_t MemorySink::stop(std::chrono::milliseconds deadline) {
  buffer_.close();
  (void)buffer_.wait_until_empty(deadline);
  return halt();
}

std::size_t MemorySink::halt() {
  {
    const std::scoped_lock lock(mutex_);
    halting_ = true;
  }
  buffer_.close();
  changed_.notify_all();
  buffer_.wake();
  if (thread_.joinable()) thread_.join();
  return buffer_.abandon(
      Error{"the sink was stopped before the broker confirmed it", "sink", Error::Retry::maybe});
}

}  // namespace headrace::memory
