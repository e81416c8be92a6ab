#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "headrace/memory/memory_broker.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/settlement_inbox.hpp"
#include "headrace/port/source.hpp"

namespace headrace::memory {

[[nodiscard]] Capabilities capabilities();

struct MemorySourceOptions {
  std::string queue;
  std::size_t unsettled_max = 1'000;
  Backoff::Options backoff{std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
  HealthBoard::Changed on_health = nullptr;
};

/// Source of a MemoryBroker's queue.
class MemorySource final : public Source {
 public:
  MemorySource(std::shared_ptr<MemoryBroker> broker, MemorySourceOptions options);
  ~MemorySource() override;

  [[nodiscard]] Status start(Deliver deliver) override;
  void pause() override;
  void resume() override;
  std::size_t stop(std::chrono::milliseconds deadline) override;
  [[nodiscard]] Health health() const override { return health_.get(); }
  [[nodiscard]] Capabilities capabilities() const override { return memory::capabilities(); }

 private:
  void run();
  void serve(MemoryBroker::Connection connection);
  void settle_answered(MemoryBroker::Connection connection);
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] bool halting() const;
  void halt();

  const std::shared_ptr<MemoryBroker> broker_;
  const MemorySourceOptions options_;
  const std::shared_ptr<SettlementInbox> inbox_ = std::make_shared<SettlementInbox>();
  HealthBoard health_;
  Deliver deliver_;
  std::thread thread_;
  mutable std::mutex mutex_;  ///< the flags
  std::condition_variable changed_;
  bool paused_ = false;
  bool draining_ = false;  ///< settles, fetches no more
  bool halting_ = false;
};

}  // namespace headrace::memory
