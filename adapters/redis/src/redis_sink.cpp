#include "headrace/redis/redis_sink.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connection.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/redis/redis_source.hpp"
#include "stream_entry.hpp"

namespace headrace::redis {
namespace {

constexpr std::chrono::milliseconds kIdle{60'000};

/// The server takes nothing for now, but will.
bool is_passing(std::string_view refusal) {
  for (const std::string_view passing :
       {"OOM", "LOADING", "READONLY", "BUSY", "MISCONF", "MASTERDOWN", "NOREPLICAS"}) {
    if (refusal.starts_with(passing)) return true;
  }
  return false;
}

}  // namespace

class RedisSink::Writer final : public SinkWriter {
 public:
  explicit Writer(const RedisSinkOptions& options)
      : SinkWriter({.where = "redis sink",
                    .buffer = options.buffer,
                    .loop = {.backoff = options.server.backoff,
                             .on_health = options.server.on_health,
                             .down_after = options.server.down_after},
                    .capabilities = redis::capabilities()}),
        options_(options) {}

 private:
  Status check() override {
    auto address = RedisAddress::of(options_.server);
    if (!address) return address.error();
    address_ = std::move(*address);
    return Nothing{};
  }

  Status connect_and_serve() override {
    auto connection = Connection::open(address_, options_.server);
    if (!connection) return connection.error();
    loop().health().set(AdapterState::up);
    asked_.clear();
    return serve(*connection);
  }

  /// Sends as far as the window goes, then takes the answers. A server that takes nothing is asked again with one
  /// message at a time: those behind it would only be stored out of order.
  Status serve(Connection& connection) {
    Backoff pause(options_.server.backoff, reinterpret_cast<std::uintptr_t>(this));
    std::size_t most = options_.buffer.window;
    for (loop().waker()->begin(); !loop().halting(); loop().waker()->begin()) {
      send(connection, most);
      if (asked_.empty()) {
        if (loop().waker()->wait(connection.socket(), kIdle)) {
          if (auto unasked = connection.receive(); !unasked) return unasked.error();  // it ended the connection
        }
        continue;
      }
      auto taken = take_answers(connection);
      if (!taken) return taken.error();
      if (*taken) {
        pause.reset();
        most = options_.buffer.window;
      } else {
        most = 1;
        loop().rest(pause.next());
        buffer().send_again();
      }
    }
    return Nothing{};
  }

  void send(Connection& connection, std::size_t most) {
    while (asked_.size() < most) {
      const SendBuffer::Item* item = buffer().next();
      if (item == nullptr) return;
      send(connection, *item);
      asked_.push_back(item->number);
    }
  }
  void send(Connection& connection, const SendBuffer::Item& item) {
    words_.assign({"XADD", item.message.topic});
    const std::string most = std::to_string(options_.stream_entries_max);
    if (options_.stream_entries_max != 0) words_.insert(words_.end(), {"MAXLEN", "~", most});
    words_.push_back("*");
    append_fields(item.message, names_, words_);
    if (item.sent_before) append_again_mark(words_);
    connection.send(words_);
  }

  /// One for each that was asked; false: the server takes nothing for now. Then those behind the first that it did not
  /// take are sent again with it, in order, though it may have stored some.
  Result<bool> take_answers(Connection& connection) {
    bool takes = true;
    for (; !asked_.empty(); asked_.pop_front()) {
      auto reply = connection.receive();
      if (!reply) return reply.error();
      if (!takes) continue;
      Status answer = Nothing{};
      if ((*reply)->type == REDIS_REPLY_ERROR) {
        Error error = refused(**reply, address_.text());
        if (is_passing(text_of(**reply))) {
          takes = false;
          loop().health().set(AdapterState::blocked, error.message());
          continue;
        }
        error.retry = Error::Retry::no;
        answer = std::move(error);
      }
      buffer().confirm(asked_.front(), answer);
      loop().connected();  // not before: a server that ends each connection would be asked without a pause
    }
    return takes;
  }

  const RedisSinkOptions options_;
  RedisAddress address_;

  // The loop's thread's own.
  std::deque<std::uint64_t> asked_;  ///< the messages' numbers, in the order sent
  std::vector<std::string> names_;
  std::vector<std::string_view> words_;
};

RedisSink::RedisSink(RedisSinkOptions options) : BufferedSink(std::make_unique<Writer>(options)) {}

}  // namespace headrace::redis
