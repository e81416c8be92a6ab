#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "headrace/memory/memory_broker.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/send_buffer.hpp"
#include "headrace/port/sink.hpp"

namespace headrace::memory {

struct MemorySinkOptions {
  SendBuffer::Limits buffer = {};
  Backoff::Options backoff{std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
  HealthBoard::Changed on_health = nullptr;
};

/// Sink to a MemoryBroker: a message goes to the queue that its topic names. A full queue blocks the sink.
class MemorySink final : public Sink {
 public:
  MemorySink(std::shared_ptr<MemoryBroker> broker, MemorySinkOptions options);
  ~MemorySink() override;

  [[nodiscard]] Status start() override;
  [[nodiscard]] SendResult send(Message&& message, Confirm confirm) override;
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds deadline) override {
    return buffer_.wait_for_room(deadline);
  }
  std::size_t stop(std::chrono::milliseconds deadline) override;
  [[nodiscard]] Health health() const override { return health_.get(); }
  [[nodiscard]] Capabilities capabilities() const override;

 private:
  void run();
  void serve(MemoryBroker::Connection connection);
  void rest(std::chrono::milliseconds how_long);
  [[nodiscard]] bool halting() const;
  std::size_t halt();

  const std::shared_ptr<MemoryBroker> broker_;
  const MemorySinkOptions options_;
  SendBuffer buffer_;
  HealthBoard health_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool halting_ = false;
};

}  // namespace headrace::memory
