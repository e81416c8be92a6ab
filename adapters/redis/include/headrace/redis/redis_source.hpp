#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "headrace/port/gated_source.hpp"
#include "headrace/redis/redis_options.hpp"

namespace headrace::redis {

[[nodiscard]] Capabilities capabilities();

struct RedisSourceOptions {
  RedisOptions server = {};
  std::string stream;
  std::string group = "headrace";
  std::string consumer;          ///< unlike every other of the group, and the same after a restart
  bool from_beginning = true;    ///< for a group that does not exist yet: all that the stream holds, or what comes
  std::string dead_stream = {};  ///< where rejected entries go; empty: the stream's name and `.dead`
  std::size_t unsettled_max = 1'000;
  /// Entries that another consumer has held for longer are taken over: it is dead, or hangs.
  std::chrono::milliseconds take_over_after{60'000};
};

/// Source of a Redis stream, as a consumer of a group. An entry is acknowledged when its outcome is known; what
/// this consumer held when it ended, it gets first when it comes back.
class RedisSource final : public GatedSource {
 public:
  explicit RedisSource(RedisSourceOptions options);

 private:
  class Reader;
};

}  // namespace headrace::redis
