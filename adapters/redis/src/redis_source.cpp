#include "headrace/redis/redis_source.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "connection.hpp"
#include "stream_entry.hpp"

namespace headrace::redis {
namespace {

using std::chrono::milliseconds;

/// How long a read waits for entries: with answers to come soon, and without.
constexpr std::string_view kBlockShortMs = "5";
constexpr std::string_view kBlockLongMs = "100";
constexpr milliseconds kLook{100};

constexpr std::size_t kKeptAtOnce = 1'000;

/// Copies an entry to the dead stream and acknowledges it, in one step; nothing, where somebody did before. KEYS: stream,
/// dead stream. ARGV: group, id, the reason or nothing. Answers -1, and does nothing, for an entry that has more fields
/// than a call of Lua has room for.
constexpr std::string_view kReject =
    "if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return 0 end "
    "local found = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) "
    "if #found > 0 then "
    "local fields = found[1][2] "
    "if #fields > 7000 then return -1 end "
    "fields[#fields + 1] = 'header:redis-rejected-id' fields[#fields + 1] = ARGV[2] "
    "if ARGV[3] ~= '' then "
    "fields[#fields + 1] = 'header:redis-rejected-reason' fields[#fields + 1] = ARGV[3] end "
    "redis.call('XADD', KEYS[2], '*', unpack(fields)) end "
    "return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])";

/// Lets the idle time of entries begin anew, but of those that somebody has taken over. KEYS: stream. ARGV: group,
/// consumer, ids.
constexpr std::string_view kKeep =
    "for i = 3, #ARGV do "
    "if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) > 0 then "
    "redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID') end end";

}  // namespace

Capabilities capabilities() {
  return {.name = "redis streams",
          .order_by_key = true,
          .retry = true,
          .dead_letters = true,
          .reject_reason = true,
          .redelivery_flag = true,
          .headers = true,
          .content_type = true,
          .durable = true,
          .body_bytes_max = std::size_t{64} << 20};
}

class RedisSource::Reader final : public SourceReader {
 public:
  explicit Reader(RedisSourceOptions options)
      : SourceReader({.loop = {.backoff = options.server.backoff,
                               .on_health = options.server.on_health,
                               .down_after = options.server.down_after},
                      .capabilities = redis::capabilities(),
                      .waits = Waits::on_inbox}),
        options_(std::move(options)) {
    if (options_.dead_stream.empty()) options_.dead_stream = options_.stream + ".dead";
  }

 private:
  using Words = std::vector<std::string_view>;

  Status check() override {
    if (options_.stream.empty()) return Error{"the stream has no name", "redis source"};
    if (options_.group.empty() || options_.consumer.empty()) {
      return Error{"group and consumer must have names", "redis source"};
    }
    if (options_.unsettled_max == 0) return Error{"unsettled_max must be at least 1", "redis source"};
    if (options_.take_over_after.count() < 1) {
      return Error{"take_over_after must be at least a millisecond", "redis source"};
    }
    auto address = RedisAddress::of(options_.server);
    if (!address) return address.error();
    address_ = std::move(*address);
    return Nothing{};
  }

  std::size_t room() const { return loop().halting() ? 0 : gate().room(options_.unsettled_max); }

  Status connect_and_serve() override {
    auto connection = Connection::open(address_, options_.server);
    if (!connection) return connection.error();
    const Status ended = serve(*connection);
    ids_.clear();
    out_.clear();
    return ended;
  }
  Status serve(Connection& connection) {
    if (Status begun = begin(connection); !begun) return begun;
    loop().connected();
    while (!loop().halting()) {
      if (Status turned = turn(connection); !turned) return turned;
    }
    return settle(connection, milliseconds(0));
  }

  Status begin(Connection& connection) {
    const std::string_view from = options_.from_beginning ? "0" : "$";
    auto made = connection.command({"XGROUP", "CREATE", options_.stream, options_.group, from, "MKSTREAM"});
    if (!made) return made.error();
    if ((*made)->type == REDIS_REPLY_ERROR && !text_of(**made).starts_with("BUSYGROUP")) {
      return refused(**made, address_.text());
    }
    own_after_ = "0-0";
    own_read_ = false;
    take_over_from_ = "0-0";
    take_over_at_ = std::chrono::steady_clock::now();
    keep_at_ = {};
    return Nothing{};
  }

  /// Tells the server what was settled and what is still out, takes retried entries again, then new ones.
  Status turn(Connection& connection) {
    if (Status kept = keep(connection); !kept) return kept;
    const std::size_t count = room();
    // With no room the answers of handlers are all there is to wait for.
    if (Status done = settle(connection, count == 0 ? kLook : milliseconds(0)); !done) return done;
    if (count == 0) return ping_when_quiet(connection);
    return own_read_ ? take_over_and_read(connection, count) : read_own(connection, count);
  }

  /// A source without room reads nothing, and would not notice a broken connection.
  Status ping_when_quiet(Connection& connection) {
    const auto now = std::chrono::steady_clock::now();
    if (now - pinged_at_ < std::chrono::seconds(1)) return Nothing{};
    pinged_at_ = now;
    return simple(connection, {"PING"});
  }

  /// An entry is idle while its handler runs, which nobody else may take for death.
  Status keep(Connection& connection) {
    const auto now = std::chrono::steady_clock::now();
    if (out_.empty() || now < keep_at_) return Nothing{};
    keep_at_ = now + options_.take_over_after / 3;
    for (auto at = out_.begin(); at != out_.end();) {
      Words words{"EVAL", kKeep, "1", options_.stream, options_.group, options_.consumer};
      for (; at != out_.end() && words.size() < kKeptAtOnce; ++at) words.push_back(*at);
      if (Status told = simple(connection, words); !told) return told;
    }
    return Nothing{};
  }

  Status settle(Connection& connection, milliseconds wait) {
    const auto answers = gate().inbox()->take(wait);
    std::vector<std::string> done;
    std::vector<std::string> again;
    for (const auto& answer : answers) {
      const auto at = ids_.find(answer.tag);
      if (at == ids_.end()) continue;
      std::string id = std::move(at->second);
      ids_.erase(at);
      out_.erase(id);
      if (answer.settlement == Settlement::done) {
        done.push_back(std::move(id));
      } else if (answer.settlement == Settlement::retry) {
        again.push_back(std::move(id));
      } else if (Status rejected = reject(connection, id, answer.reason); !rejected) {
        return rejected;
      }
    }
    if (!done.empty()) {
      Words words{"XACK", options_.stream, options_.group};
      words.insert(words.end(), done.begin(), done.end());
      if (Status told = simple(connection, words); !told) return told;
    }
    return again.empty() || draining() ? Status(Nothing{}) : claim_again(connection, again);
  }
  bool draining() const { return gate().draining() || loop().halting(); }

  Status reject(Connection& connection, const std::string& id, const std::string& reason) {
    auto reply =
        connection.ask({"EVAL", kReject, "2", options_.stream, options_.dead_stream, options_.group, id, reason});
    if (!reply) return reply.error();
    return (*reply)->type == REDIS_REPLY_INTEGER && (*reply)->integer < 0 ? reject_large(connection, id, reason)
                                                                          : Status(Nothing{});
  }
  /// The same by way of this process. The entry is out here, so that nobody else rejects it meanwhile but one that took
  /// it over from a source it took for dead: then there are two dead letters.
  Status reject_large(Connection& connection, const std::string& id, const std::string& reason) {
    auto found = connection.ask({"XRANGE", options_.stream, id, id});
    if (!found) return found.error();
    connection.send({"MULTI"});
    std::size_t queued = 2;
    if ((*found)->elements == 1 && (*found)->element[0]->elements == 2) {
      const redisReply& fields = *(*found)->element[0]->element[1];
      Words words{"XADD", options_.dead_stream, "*"};
      for (std::size_t i = 0; i < fields.elements; ++i) words.push_back(text_of(*fields.element[i]));
      words.insert(words.end(), {"header:redis-rejected-id", id});
      if (!reason.empty()) words.insert(words.end(), {"header:redis-rejected-reason", reason});
      connection.send(words);
      ++queued;
    }
    connection.send({"XACK", options_.stream, options_.group, id});
    connection.send({"EXEC"});
    // A command that is refused makes EXEC refuse them all.
    for (; queued > 0; --queued) {
      if (auto reply = connection.receive(); !reply) return reply.error();
    }
    auto done = connection.receive();
    if (!done) return done.error();
    if ((*done)->type == REDIS_REPLY_ERROR) return refused(**done, address_.text());
    for (std::size_t i = 0; i < (*done)->elements; ++i) {
      if ((*done)->element[i]->type == REDIS_REPLY_ERROR) return refused(*(*done)->element[i], address_.text());
    }
    return Nothing{};
  }
  Status claim_again(Connection& connection, const std::vector<std::string>& ids) {
    Words words{"XCLAIM", options_.stream, options_.group, options_.consumer, "0"};
    words.insert(words.end(), ids.begin(), ids.end());
    auto reply = connection.ask(words);
    if (!reply) return reply.error();
    return take(connection, **reply, true);
  }

  Status take_over_and_read(Connection& connection, std::size_t count) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= take_over_at_) {
      if (Status taken = take_over(connection, count, now); !taken) return taken;
      count = room();
    }
    return count == 0 ? Status(Nothing{}) : read_new(connection, count);
  }
  Status take_over(Connection& connection, std::size_t count, std::chrono::steady_clock::time_point now) {
    const std::string idle = std::to_string(options_.take_over_after.count());
    const std::string most = std::to_string(std::min<std::size_t>(count, 100));
    auto reply = connection.ask(
        {"XAUTOCLAIM", options_.stream, options_.group, options_.consumer, idle, take_over_from_, "COUNT", most});
    if (!reply) return reply.error();
    if ((*reply)->elements < 2)
      return Error{"XAUTOCLAIM was answered strangely", address_.text(), Error::Retry::maybe};
    take_over_from_ = text_of(*(*reply)->element[0]);
    if (take_over_from_ == "0-0") take_over_at_ = now + options_.take_over_after / 2;
    return take(connection, *(*reply)->element[1], true);
  }

  /// What this consumer held when it ended.
  Status read_own(Connection& connection, std::size_t count) {
    auto entries = read(connection, count, {}, own_after_);
    if (!entries) return entries.error();
    if (*entries == nullptr || entries_of(**entries) == nullptr || entries_of(**entries)->elements == 0) {
      own_read_ = true;
      return Nothing{};
    }
    const redisReply& list = *entries_of(**entries);
    own_after_ = text_of(*list.element[list.elements - 1]->element[0]);
    return take(connection, list, true);
  }
  Status read_new(Connection& connection, std::size_t count) {
    auto entries = read(connection, count, gate().inbox()->outstanding() == 0 ? kBlockLongMs : kBlockShortMs, ">");
    if (!entries) return entries.error();
    const redisReply* list = *entries == nullptr ? nullptr : entries_of(**entries);
    return list == nullptr ? Status(Nothing{}) : take(connection, *list, false);
  }
  Result<Reply> read(Connection& connection, std::size_t count, std::string_view block_ms,
                     std::string_view after) {
    const std::string most = std::to_string(std::min<std::size_t>(count, 1000));
    Words words{"XREADGROUP", "GROUP", options_.group, options_.consumer, "COUNT", most};
    if (!block_ms.empty()) words.insert(words.end(), {"BLOCK", block_ms});
    words.insert(words.end(), {"STREAMS", options_.stream, after});
    return connection.ask(words);
  }
  /// [[stream, [entry...]]], or nothing.
  static const redisReply* entries_of(const redisReply& reply) {
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements == 0 || reply.element[0]->elements < 2) return nullptr;
    return reply.element[0]->element[1];
  }

  Status take(Connection& connection, const redisReply& entries, bool redelivered) {
    for (std::size_t i = 0; i < entries.elements; ++i) {
      const redisReply& entry = *entries.element[i];
      if (entry.type != REDIS_REPLY_ARRAY || entry.elements < 2) continue;
      std::string id(text_of(*entry.element[0]));
      if (out_.contains(id)) continue;  // taken over from ourselves: a handler takes long
      if (entry.element[1]->type != REDIS_REPLY_ARRAY) {
        // Trimmed while it was pending: its content is gone.
        if (Status told = simple(connection, {"XACK", options_.stream, options_.group, id}); !told) return told;
        continue;
      }
      const std::uint64_t tag = ++tagged_;
      ids_.emplace(tag, id);
      out_.insert(std::move(id));
      Message message = to_message(*entry.element[1], options_.stream);
      const bool again = take_again_header(message) || redelivered;
      deliver(std::move(message), tag, again, 0);
    }
    return Nothing{};
  }

  Status simple(Connection& connection, const Words& words) {
    const auto reply = connection.ask(words);
    return reply ? Status(Nothing{}) : reply.error();
  }

  RedisSourceOptions options_;
  RedisAddress address_;

  // The loop's thread's own.
  std::unordered_map<std::uint64_t, std::string> ids_;  ///< by tag: entries that are out
  std::unordered_set<std::string> out_;                 ///< the same by id
  std::uint64_t tagged_ = 0;
  std::string own_after_;
  bool own_read_ = false;
  std::string take_over_from_;
  std::chrono::steady_clock::time_point take_over_at_;
  std::chrono::steady_clock::time_point keep_at_;
  std::chrono::steady_clock::time_point pinged_at_;
};

RedisSource::RedisSource(RedisSourceOptions options) : GatedSource(std::make_unique<Reader>(std::move(options))) {}

}  // namespace headrace::redis
