#include "headrace/redis/redis_sink.hpp"

#include <deque>
#include <utility>

#include "connection.hpp"
#include "headrace/port/connection_loop.hpp"
#include "headrace/redis/redis_source.hpp"
#include "stream_entry.hpp"

namespace headrace::redis {
namespace {

constexpr std::chrono::milliseconds kRest{100};

/// The server takes nothing for now, but will.
bool is_passing(std::string_view refusal) {
  for (const std::string_view passing :
       {"OOM", "LOADING", "READONLY", "BUSY", "MISCONF", "MASTERDOWN", "NOREPLICAS"}) {
    if (refusal.starts_with(passing)) return true;
  }
  return false;
}

}  // namespace

class RedisSink::Writer {
 public:
  explicit Writer(RedisSinkOptions options)
      : options_(std::move(options)),
        buffer_(options_.buffer),
        loop_({options_.server.backoff, options_.server.on_health, std::chrono::milliseconds(0),
               [this] { buffer_.wake(); }}) {}
  ~Writer() { halt(); }

  Status start() {
    auto address = RedisAddress::of(options_.server);
    if (!address) return address.error();
    address_ = std::move(*address);
    buffer_.open();
    loop_.start([this] { return connect_and_serve(); });
    return Nothing{};
  }
  SendBuffer& buffer() { return buffer_; }
  Health health() const { return loop_.health().get(); }

  std::size_t halt() {
    buffer_.close();
    loop_.halt();
    return buffer_.abandon(
        Error{"the sink was stopped before redis confirmed it", "redis sink", Error::Retry::maybe});
  }

 private:
  Status connect_and_serve() {
    auto connection = Connection::open(address_, options_.server);
    if (!connection) return connection.error();
    loop_.health().set(AdapterState::up);
    const Status ended = serve(*connection);
    buffer_.send_again();
    return ended;
  }

  /// Sends as far as the window goes, then takes the answers.
  Status serve(Connection& connection) {
    std::deque<std::uint64_t> asked;
    while (!loop_.halting()) {
      while (const SendBuffer::Item* item = buffer_.next()) {
        send(connection, item->message);
        asked.push_back(item->number);
      }
      if (asked.empty()) {
        buffer_.wait(kRest);
        continue;
      }
      for (; !asked.empty(); asked.pop_front()) {
        auto reply = connection.receive();
        if (!reply) return reply.error();
        if ((*reply)->type != REDIS_REPLY_ERROR) {
          buffer_.confirm(asked.front(), Nothing{});
          loop_.connected();  // not before: a server that takes nothing would be asked without a pause
        } else if (is_passing(text_of(**reply))) {
          // Those behind it may have been stored; they are sent again with it, in order.
          Error blocked = refused(**reply, address_.text());
          loop_.health().set(AdapterState::blocked, blocked.message());
          return blocked;
        } else {
          Error error = refused(**reply, address_.text());
          error.retry = Error::Retry::no;
          buffer_.confirm(asked.front(), error);
        }
      }
    }
    return Nothing{};
  }

  void send(Connection& connection, const Message& message) {
    words_.assign({"XADD", message.topic});
    const std::string most = std::to_string(options_.stream_entries_max);
    if (options_.stream_entries_max != 0) words_.insert(words_.end(), {"MAXLEN", "~", most});
    words_.push_back("*");
    append_fields(message, names_, words_);
    connection.send(words_);
  }

  const RedisSinkOptions options_;
  SendBuffer buffer_;
  RedisAddress address_;

  // The loop's thread's own.
  std::vector<std::string> names_;
  std::vector<std::string_view> words_;

  ConnectionLoop loop_;  ///< last: its thread uses all of the above
};

RedisSink::RedisSink(RedisSinkOptions options) : writer_(std::make_unique<Writer>(std::move(options))) {}
RedisSink::~RedisSink() = default;

Status RedisSink::start() { return writer_->start(); }

SendResult RedisSink::send(Message&& message, Confirm confirm) {
  if (message.body.size() > capabilities().body_bytes_max) return SendResult::too_large;
  return writer_->buffer().put(std::move(message), std::move(confirm));
}

bool RedisSink::wait_for_room(std::chrono::milliseconds deadline) {
  return writer_->buffer().wait_for_room(deadline);
}

std::size_t RedisSink::stop(std::chrono::milliseconds deadline) {
  writer_->buffer().close();
  (void)writer_->buffer().wait_until_empty(deadline);
  return writer_->halt();
}

Health RedisSink::health() const { return writer_->health(); }
Capabilities RedisSink::capabilities() const { return redis::capabilities(); }

}  // namespace headrace::redis
