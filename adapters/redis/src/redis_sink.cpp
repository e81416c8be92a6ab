#include "headrace/redis/redis_sink.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "connection.hpp"
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
      : options_(std::move(options)), buffer_(options_.buffer), health_(options_.server.on_health) {}
  ~Writer() { halt(); }

  Status start() {
    HEADRACE_CHECK("redis.sink.started", !thread_.joinable(), "a sink is started once, or after stop()");
    auto address = RedisAddress::of(options_.server);
    if (!address) return address.error();
    address_ = std::move(*address);
    halting_ = false;
    buffer_.open();
    health_.set(AdapterState::connecting);
    thread_ = std::thread([this] { run(); });
    return Nothing{};
  }
  SendBuffer& buffer() { return buffer_; }
  Health health() const { return health_.get(); }

  std::size_t halt() {
    {
      const std::scoped_lock lock(mutex_);
      halting_ = true;
    }
    buffer_.close();
    changed_.notify_all();
    buffer_.wake();
    if (thread_.joinable()) thread_.join();
    return buffer_.abandon(
        Error{"the sink was stopped before redis confirmed it", "redis sink", Error::Retry::maybe});
  }

 private:
  bool halting() const {
    const std::scoped_lock lock(mutex_);
    return halting_;
  }
  void rest(std::chrono::milliseconds how_long) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, how_long, [this] { return halting_; });
  }

  void run() {
    Backoff backoff(options_.server.backoff, reinterpret_cast<std::uintptr_t>(this));
    while (!halting()) {
      auto connection = Connection::open(address_, options_.server);
      if (connection) {
        health_.set(AdapterState::up);
        const Error ended = serve(*connection, backoff);
        buffer_.send_again();
        if (halting()) break;
        health_.set(AdapterState::connecting, ended.message());
      } else if (connection.error().retry == Error::Retry::no) {
        health_.set(AdapterState::gave_up, connection.error().message());
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return halting_; });
        break;
      } else {
        health_.set(AdapterState::connecting, connection.error().message());
      }
      rest(backoff.next());
    }
    health_.set(AdapterState::idle);
  }

  /// Sends as far as the window goes, then takes the answers. Returns what ended it.
  Error serve(Connection& connection, Backoff& backoff) {
    std::deque<std::uint64_t> asked;
    while (!halting()) {
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
          backoff.reset();
        } else if (is_passing(text_of(**reply))) {
          // Those behind it may have been stored; they are sent again with it, in order.
          health_.set(AdapterState::blocked, refused(**reply, address_.text()).message());
          return refused(**reply, address_.text());
        } else {
          Error error = refused(**reply, address_.text());
          error.retry = Error::Retry::no;
          buffer_.confirm(asked.front(), error);
        }
      }
    }
    return Error{"stopped", address_.text()};
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
  HealthBoard health_;
  RedisAddress address_;
  std::thread thread_;
  std::vector<std::string> names_;       // thread_'s
  std::vector<std::string_view> words_;  // thread_'s
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool halting_ = false;
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
