#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "headrace/port/gated_source.hpp"
#include "headrace/redis/redis_options.hpp"

namespace headrace::redis {

/// Of the source and of the sink.
[[nodiscard]] Capabilities capabilities();

struct RedisSourceOptions {
  RedisOptions server = {};
  std::string stream;
  std::string group = "headrace";
  std::string consumer;          ///< unlike every other of the group, and the same after a restart
  bool from_beginning = true;    ///< for a group that does not exist yet: all that the stream holds, or what comes
  std::string dead_stream = {};  ///< where rejected entries go; empty: the stream's name and `.dead`
  std::size_t unsettled_max = 1'000;
  /// Entries that another consumer has let lie for longer are taken over: it is dead, or cannot reach the server. One
  /// that lives tells the server each third of its own time that it has them still, however long its handlers run: the
  /// same for all consumers of a group, and longer than a connection may be away. At least 1 ms; below a second a busy
  /// machine may look dead.
  std::chrono::milliseconds take_over_after{60'000};
};

/// Source of a Redis stream, as a consumer of a group. An entry is acknowledged when its outcome is known; what
/// this consumer held when it ended, it gets first when it comes back.
///
/// Reject: the entry is copied to `dead_stream` and acknowledged in one step, so that there is one dead letter, whatever
///         breaks, and whoever else rejects it (but for entries of more than 3,500 fields, which two consumers that reject
///         the same one may leave twice).
class RedisSource final : public GatedSource {
 public:
  explicit RedisSource(RedisSourceOptions options);

 private:
  class Reader;
};

}  // namespace headrace::redis
