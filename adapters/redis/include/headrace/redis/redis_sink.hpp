#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "headrace/port/buffered_sink.hpp"
#include "headrace/redis/redis_options.hpp"

namespace headrace::redis {

struct RedisSinkOptions {
  RedisOptions server = {};
  SendBuffer::Limits buffer = {};
  /// About how many entries a stream keeps; 0: all. Entries that nobody has read yet are trimmed like others.
  std::uint64_t stream_entries_max = 0;
};

/// Sink to Redis streams: a message becomes an entry of the stream that its topic names. Entries go out in a
/// pipeline; each is confirmed when the server has answered. After a broken connection, or a refusal for now, what has no
/// answer is added again, marked: who reads it with a RedisSource is told `redelivered`.
class RedisSink final : public BufferedSink {
 public:
  explicit RedisSink(RedisSinkOptions options);

 private:
  class Writer;
};

}  // namespace headrace::redis
