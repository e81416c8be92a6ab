#pragma once

#include <hiredis/hiredis.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/redis/redis_options.hpp"

namespace headrace::redis {

struct FreeReply {
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

[[nodiscard]] inline std::string_view text_of(const redisReply& reply) noexcept { return {reply.str, reply.len}; }

/// One connection, for one thread. After an error of receive() it is broken: what the server says no to is a
/// reply, not an error.
class Connection {
 public:
  /// Connects, authenticates and selects the database. An error that no retry helps is one of credentials.
  [[nodiscard]] static Result<Connection> open(const RedisAddress& address, const RedisOptions& options);

  [[nodiscard]] int socket() const noexcept { return context_->fd; }
  void send(const std::vector<std::string_view>& words);
  [[nodiscard]] Result<Reply> receive();
  [[nodiscard]] Result<Reply> command(const std::vector<std::string_view>& words) {
    send(words);
    return receive();
  }

 private:
  struct Free {
    void operator()(redisContext* context) const noexcept { redisFree(context); }
  };
  Connection(redisContext* context, std::string where) : context_(context), where_(std::move(where)) {}

  std::unique_ptr<redisContext, Free> context_;
  std::string where_;
};

/// A reply that says no, as an error.
[[nodiscard]] Error refused(const redisReply& reply, std::string where);

}  // namespace headrace::redis
