#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "headrace/port/send_buffer.hpp"
#include "headrace/port/sink.hpp"
#include "headrace/redis/redis_options.hpp"

namespace headrace::redis {

struct RedisSinkOptions {
  RedisOptions server = {};
  SendBuffer::Limits buffer = {};
  /// About how many entries a stream keeps; 0: all. Entries that nobody has read yet are trimmed like others.
  std::uint64_t stream_entries_max = 0;
};

/// Sink to Redis streams: a message becomes an entry of the stream that its topic names. Entries go out in a
/// pipeline; each is confirmed when the server has answered.
class RedisSink final : public Sink {
 public:
  explicit RedisSink(RedisSinkOptions options);
  ~RedisSink() override;

  [[nodiscard]] Status start() override;
  [[nodiscard]] SendResult send(Message&& message, Confirm confirm) override;
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds deadline) override;
  std::size_t stop(std::chrono::milliseconds deadline) override;
  [[nodiscard]] Health health() const override;
  [[nodiscard]] Capabilities capabilities() const override;

 private:
  class Writer;
  std::unique_ptr<Writer> writer_;
};

}  // namespace headrace::redis
