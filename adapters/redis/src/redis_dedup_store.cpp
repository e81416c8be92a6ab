#include "headrace/redis/redis_dedup_store.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <mutex>
#include <optional>
#include <utility>

#include "connection.hpp"
#include "headrace/event/time_after.hpp"

namespace headrace::redis {
namespace {

// An event's value is `P`, its owner and when the claim runs out; or `D`, the answer and when the window ends:
// times in milliseconds by the callers' clock, by which alone scripts decide. Redis's own expiry clears away what
// nobody asks for.

/// KEYS: events. ARGV: the value to set, now, how long a claim lasts. Answers for each: false, `P`, or `D` and the
/// answer.
constexpr std::string_view kClaim =
    "local answers = {} "
    "for i, key in ipairs(KEYS) do "
    "local value = redis.call('GET', key) "
    "local kind, who, till "
    "if value then kind, who, till = string.match(value, '^(%a)(%d+):(%-?%d+)$') end "
    "if till and tonumber(till) > tonumber(ARGV[2]) then "
    "if kind == 'D' then answers[i] = 'D' .. who else answers[i] = 'P' end "
    "else redis.call('SET', key, ARGV[1], 'PX', ARGV[3]) answers[i] = false end end "
    "return answers";

/// KEYS: events. ARGV: the owner, when a window ends that begins now, how long it is, then for each event its
/// answer when it was done, or `failed`. Answers how many claims ended.
constexpr std::string_view kFinish =
    "local ended = 0 "
    "for i, key in ipairs(KEYS) do "
    "local value = redis.call('GET', key) "
    "local kind, who "
    "if value then kind, who = string.match(value, '^(%a)(%d+):') end "
    "if kind == 'P' and who == ARGV[1] then "
    "ended = ended + 1 "
    "if ARGV[3 + i] == 'failed' then redis.call('DEL', key) "
    "else redis.call('SET', key, 'D' .. ARGV[3 + i] .. ':' .. ARGV[2], 'PX', ARGV[3]) end end end "
    "return ended";

/// KEYS: events. ARGV: the owner, the value to set, for how long. Answers how many claims were the owner's.
constexpr std::string_view kRenew =
    "local renewed = 0 "
    "for i, key in ipairs(KEYS) do "
    "local value = redis.call('GET', key) "
    "local kind, who "
    "if value then kind, who = string.match(value, '^(%a)(%d+):') end "
    "if kind == 'P' and who == ARGV[1] then "
    "renewed = renewed + 1 "
    "redis.call('SET', key, ARGV[2], 'PX', ARGV[3]) end end "
    "return renewed";

DedupAnswer answer_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_NIL) return {DedupClaim::run, 0};
  const std::string_view value = text_of(reply);
  if (!value.starts_with('D')) return {DedupClaim::in_progress, 0};
  DedupAnswer answer{DedupClaim::done, 0};
  std::from_chars(value.data() + 1, value.data() + value.size(), answer.answer);
  return answer;
}

std::string ms_text(EventTime time) {
  return std::to_string(std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count());
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

  Status claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime now, std::span<DedupAnswer> answers) {
    if (owner == 0) return Error{"0 is nobody, and cannot claim", "redis dedup store"};
    if (answers.size() < keys.size()) return Error{"there are fewer answers than keys", "redis dedup store"};
    if (keys.empty()) return Nothing{};
    std::vector<std::string> words{"EVAL", std::string(kClaim), std::to_string(keys.size())};
    for (const DedupKey& key : keys) words.push_back(name_of(key));
    words.push_back("P" + std::to_string(owner) + ":" + ms_text(now + options_.claim));
    words.push_back(ms_text(now));
    words.push_back(std::to_string(options_.claim.count()));
    const auto reply = call(words);
    if (!reply) return reply.error();
    if ((*reply)->type != REDIS_REPLY_ARRAY || (*reply)->elements != keys.size()) return strange();
    for (std::size_t i = 0; i < keys.size(); ++i) answers[i] = answer_of(*(*reply)->element[i]);
    return Nothing{};
  }

  Result<std::size_t> finish(std::span<const DedupFinish> ends, DedupOwner owner, EventTime now) {
    if (ends.empty()) return std::size_t{0};
    std::vector<std::string> words{"EVAL", std::string(kFinish), std::to_string(ends.size())};
    for (const DedupFinish& end : ends) words.push_back(name_of(end.key));
    words.push_back(std::to_string(owner));
    words.push_back(ms_text(now + options_.window));
    words.push_back(std::to_string(options_.window.count()));
    for (const DedupFinish& end : ends) {
      words.push_back(end.end == DedupEnd::done ? std::to_string(end.answer) : "failed");
    }
    const auto reply = call(words);
    if (!reply) return reply.error();
    if ((*reply)->type != REDIS_REPLY_INTEGER) return strange();
    return static_cast<std::size_t>((*reply)->integer);
  }

  Result<std::size_t> renew(std::span<const DedupKey> keys, DedupOwner owner, EventTime now, EventTime from) {
    if (owner == 0) return Error{"0 is nobody, and cannot claim", "redis dedup store"};
    if (keys.empty()) return std::size_t{0};
    const EventTime last = std::max(now, from);
    std::vector<std::string> words{"EVAL", std::string(kRenew), std::to_string(keys.size())};
    for (const DedupKey& key : keys) words.push_back(name_of(key));
    words.push_back(std::to_string(owner));
    words.push_back("P" + std::to_string(owner) + ":" + ms_text(time_after(last, options_.claim)));
    const auto ahead = std::chrono::ceil<std::chrono::milliseconds>(time_between(now, last));
    words.push_back(std::to_string(std::min(ahead, kAheadMost).count() + options_.claim.count()));
    const auto reply = call(words);
    if (!reply) return reply.error();
    if ((*reply)->type != REDIS_REPLY_INTEGER) return strange();
    return static_cast<std::size_t>((*reply)->integer);
  }

 private:
  static constexpr std::chrono::milliseconds kAheadMost =
      std::chrono::hours(24 * 365 * 100);  ///< Redis takes no more

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
    connection_.emplace(std::move(*made));
    return Nothing{};
  }

  /// A broken connection is closed; what it did is unknown, and the claims run out.
  Result<Reply> call(const std::vector<std::string>& words) {
    const std::scoped_lock lock(mutex_);
    if (Status ready = connect(); !ready) return ready.error();
    auto reply = connection_->command(std::vector<std::string_view>(words.begin(), words.end()));
    if (!reply) {
      connection_.reset();
      return reply.error();
    }
    if ((*reply)->type == REDIS_REPLY_ERROR) return refused(**reply, address_.text());
    return reply;
  }
  Error strange() const {
    return Error{"the script was answered strangely", address_.text(), Error::Retry::maybe};
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

Status RedisDedupStore::claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                              std::span<DedupAnswer> answers) {
  return client_->claim(keys, owner, now, answers);
}

Result<std::size_t> RedisDedupStore::finish(std::span<const DedupFinish> ends, DedupOwner owner, EventTime now) {
  return client_->finish(ends, owner, now);
}

Result<std::size_t> RedisDedupStore::renew(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                                           EventTime from) {
  return client_->renew(keys, owner, now, from);
}

}  // namespace headrace::redis
