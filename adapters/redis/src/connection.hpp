#pragma once

#include <hiredis/hiredis.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/adapter_support/socket_stream.hpp"
#include "headrace/base/result.hpp"
#include "headrace/redis/redis_options.hpp"

namespace headrace::redis {

struct FreeReply {
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

[[nodiscard]] inline std::string_view text_of(const redisReply& reply) noexcept { return {reply.str, reply.len}; }

/// One connection, for one thread. hiredis connects, writes commands and reads replies; the bytes go over a SocketStream,
/// since hiredis 0.14 has no TLS, and raises SIGPIPE when the server has gone. The socket blocks, for as long as a command
/// may take. After an error of receive() it is broken: what the server says no to is a reply, not an error.
class Connection {
 public:
  /// Connects, authenticates and selects the database. An error that no retry helps is one of credentials or of
  /// certificates.
  [[nodiscard]] static Result<Connection> open(const RedisAddress& address, const RedisOptions& options);

  [[nodiscard]] int socket() const noexcept { return context_->fd; }
  /// The command goes out when the next reply is waited for, with all others that were sent before.
  void send(const std::vector<std::string_view>& words);
  /// The next reply, in the order sent.
  [[nodiscard]] Result<Reply> receive();
  [[nodiscard]] Result<Reply> command(const std::vector<std::string_view>& words) {
    send(words);
    return receive();
  }
  /// As command(), but a reply that says no is an error.
  [[nodiscard]] Result<Reply> ask(const std::vector<std::string_view>& words);

 private:
  struct Free {
    void operator()(redisContext* context) const noexcept { redisFree(context); }
  };
  using Context = std::unique_ptr<redisContext, Free>;
  Connection(Context context, const std::string& where)
      : context_(std::move(context)),
        where_(where),
        stream_(context_->fd, adapter_support::SocketStream::Closes::no, where, "the server") {}
  [[nodiscard]] Status send_all();

  Context context_;
  std::string where_;
  adapter_support::SocketStream stream_;
  std::string out_;  ///< commands that were not sent yet
};

/// A reply that says no, as an error.
[[nodiscard]] Error refused(const redisReply& reply, std::string where);

}  // namespace headrace::redis
