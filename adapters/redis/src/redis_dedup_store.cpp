#include "headrace/redis/redis_dedup_store.hpp"

#include <charconv>
#include <cstdio>
#include <mutex>
#include <optional>
#include <utility>

#include "connection.hpp"

namespace headrace::redis {
namespace {

/// Ends a claim if it is still the owner's. ARGV: the claim's value, `done` or `failed`, the new value, the
/// window.
constexpr std::string_view kFinish =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
    "if ARGV[2] == 'done' then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) "
    "else redis.call('DEL', KEYS[1]) end return 1";

/// Values: `P` and the owner while in progress, `D` and the answer when done.
std::string in_progress(DedupOwner owner) { return "P" + std::to_string(owner); }

DedupAnswer answer_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_NIL) return {DedupClaim::run, 0};
  const std::string_view value = text_of(reply);
  if (!value.starts_with('D')) return {DedupClaim::in_progress, 0};
  DedupAnswer answer{DedupClaim::done, 0};
  std::from_chars(value.data() + 1, value.data() + value.size(), answer.answer);
  return answer;
}

}  // namespace

class RedisDedupStore::Client {
 public:
  explicit Client(RedisDedupOptions options)
      : options_(std::move(options)), backoff_(options_.server.backoff, reinterpret_cast<std::uintptr_t>(this)) {
    if (options_.scope.empty()) throw ConfigError("redis dedup store: the scope has no name");
    if (options_.window.count() <= 0 || options_.claim.count() <= 0) {
      throw ConfigError("redis dedup store: window and claim must be at least a millisecond");
    }
    auto address = RedisAddress::of(options_.server);
    if (!address) throw ConfigError("redis dedup store: " + address.error().message());
    address_ = std::move(*address);
  }

  Status claim(std::span<const DedupKey> keys, DedupOwner owner, std::span<DedupAnswer> answers) {
    HEADRACE_CHECK("redis.dedup.claim", answers.size() == keys.size(), "one answer for each key");
    const std::scoped_lock lock(mutex_);
    if (Status ready = connect(); !ready) return ready;
    const std::string value = in_progress(owner);
    const std::string lasts = std::to_string(options_.claim.count());
    for (const DedupKey& key : keys) connection_->send({"SET", name_of(key), value, "NX", "GET", "PX", lasts});
    return receive(keys.size(), [&](std::size_t i, const redisReply& reply) { answers[i] = answer_of(reply); });
  }

  Result<std::size_t> finish(std::span<const DedupFinish> ends, DedupOwner owner) {
    const std::scoped_lock lock(mutex_);
    if (Status ready = connect(); !ready) return ready.error();
    const std::string value = in_progress(owner);
    const std::string window = std::to_string(options_.window.count());
    for (const DedupFinish& end : ends) {
      const std::string done = "D" + std::to_string(end.answer);
      const bool good = end.end == DedupEnd::done;
      connection_->send({"EVAL", kFinish, "1", name_of(end.key), value, good ? "done" : "failed", done, window});
    }
    std::size_t ended = 0;
    const Status received =
        receive(ends.size(), [&](std::size_t, const redisReply& reply) { ended += reply.integer == 1 ? 1U : 0U; });
    if (!received) return received.error();
    return ended;
  }

 private:
  std::string name_of(const DedupKey& key) const {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(key.high),
                  static_cast<unsigned long long>(key.low));
    return options_.scope + ":" + digits;
  }

  Status connect() {
    if (connection_) return Nothing{};
    const auto now = std::chrono::steady_clock::now();
    if (now < again_at_) return down_;
    auto made = Connection::open(address_, options_.server);
    if (!made) {
      down_ = made.error();
      again_at_ = now + backoff_.next();
      return down_;
    }
    backoff_.reset();
    connection_ = std::move(*made);
    return Nothing{};
  }

  /// Takes every answer, so that none is left for the next call. A broken connection is closed; what it did is
  /// unknown, and the claims run out.
  template <class F>
  Status receive(std::size_t count, F&& each) {
    std::optional<Error> refusal;
    for (std::size_t i = 0; i < count; ++i) {
      auto reply = connection_->receive();
      if (!reply) {
        connection_.reset();
        return reply.error();
      }
      if ((*reply)->type == REDIS_REPLY_ERROR) {
        refusal = refused(**reply, address_.text());
      } else {
        each(i, **reply);
      }
    }
    if (refusal) return *refusal;
    return Nothing{};
  }

  const RedisDedupOptions options_;
  RedisAddress address_;
  std::mutex mutex_;
  std::optional<Connection> connection_;
  Backoff backoff_;
  std::chrono::steady_clock::time_point again_at_;
  Error down_;
};

RedisDedupStore::RedisDedupStore(RedisDedupOptions options)
    : client_(std::make_unique<Client>(std::move(options))) {}
RedisDedupStore::~RedisDedupStore() = default;

Status RedisDedupStore::claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime,
                              std::span<DedupAnswer> answers) {
  return client_->claim(keys, owner, answers);
}

Result<std::size_t> RedisDedupStore::finish(std::span<const DedupFinish> ends, DedupOwner owner, EventTime) {
  return client_->finish(ends, owner);
}

}  // namespace headrace::redis
