#include "headrace/memory/memory_sink.hpp"

#include <utility>

#include "headrace/memory/memory_source.hpp"

namespace headrace::memory {
namespace {

constexpr std::chrono::milliseconds kRest{20};

}  // namespace

class MemorySink::Writer final : public SinkWriter {
 public:
  Writer(std::shared_ptr<MemoryBroker> broker, const MemorySinkOptions& options)
      : SinkWriter({.where = "memory sink",
                    .buffer = options.buffer,
                    .loop = {options.backoff, options.on_health},
                    .capabilities = memory::capabilities()}),
        broker_(std::move(broker)) {}

 private:
  Status check() override { return Nothing{}; }

  Status connect_and_serve() override {
    const auto connection = broker_->connect();
    if (connection == 0) return Error{"the broker is down", "memory sink", Error::Retry::maybe};
    loop().connected();
    serve(connection);
    broker_->disconnect(connection);
    return Nothing{};
  }

  void serve(MemoryBroker::Connection connection) {
    for (loop().waker()->begin(); !loop().halting(); loop().waker()->begin()) {
      const SendBuffer::Item* item = buffer().next();
      if (item == nullptr) {
        if (!broker_->is_connected(connection)) return;
        loop().waker()->wait(-1, kRest);
        continue;
      }
      auto put = broker_->put(connection, item->message);
      while (put == MemoryBroker::Put::full) {
        loop().health().set(AdapterState::blocked, "the queue is full");
        if (!loop().rest(kRest)) return;
        put = broker_->put(connection, item->message);
      }
      if (put != MemoryBroker::Put::stored) return;
      loop().health().set(AdapterState::up);
      buffer().confirm(item->number, Nothing{});
    }
  }

  const std::shared_ptr<MemoryBroker> broker_;
};

MemorySink::MemorySink(std::shared_ptr<MemoryBroker> broker, MemorySinkOptions options)
    : BufferedSink(std::make_unique<Writer>(std::move(broker), options)) {}

}  // namespace headrace::memory
