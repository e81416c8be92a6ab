#pragma once

#include <chrono>
#include <memory>

#include "headrace/memory/memory_broker.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/buffered_sink.hpp"

namespace headrace::memory {

struct MemorySinkOptions {
  SendBuffer::Limits buffer = {};
  Backoff::Options backoff{std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
  HealthBoard::Changed on_health = nullptr;
};

/// Sink to a MemoryBroker: a message goes to the queue that its topic names. A full queue blocks the sink.
class MemorySink final : public BufferedSink {
 public:
  MemorySink(std::shared_ptr<MemoryBroker> broker, MemorySinkOptions options);

 private:
  class Writer;
};

}  // namespace headrace::memory
