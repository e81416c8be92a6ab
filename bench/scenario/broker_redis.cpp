// RedisDedupStore: claim(100) ──► redis-server (loopback, in memory) ──► finish(100)
//
// Question: what does telling copies apart cost against hiredis by hand, which pipelines a SET NX PX for each event of a
// batch and another SET for each that is done, and against one event at a time? The store looks at owners and at the
// callers' clock too, so its batches are scripts. All events are new; thousands of events a second.

#include <hiredis/hiredis.h>

#include <vector>

#include "headrace/redis/redis_dedup_store.hpp"
#include "redis_server.hpp"
#include "scenario/brokers.hpp"

namespace headrace::bench {
namespace {

constexpr std::size_t kDedupBatch = 100;
constexpr std::size_t kDedupEvents = 100'000;
constexpr std::size_t kDedupNaive = 10'000;

test::RedisServer& redis_server() {
  static test::RedisServer server;
  return server;
}

/// Unlike every other of the program.
std::uint64_t fresh_event() {
  static std::uint64_t made = 0;
  return ++made;
}

double headrace_dedup(Context&) {
  redis::RedisDedupOptions options;
  options.server.url = redis_server().url();
  options.scope = "bench";
  redis::RedisDedupStore store(std::move(options));
  const EventTime now = std::chrono::system_clock::now();
  std::vector<DedupKey> keys(kDedupBatch);
  std::vector<DedupAnswer> answers(kDedupBatch);
  std::vector<DedupFinish> ends(kDedupBatch);
  return thousands_per_second(kDedupEvents, [&] {
    for (std::size_t done = 0; done < kDedupEvents; done += kDedupBatch) {
      for (std::size_t i = 0; i < kDedupBatch; ++i) ends[i].key = keys[i] = {1, fresh_event()};
      Context::require(static_cast<bool>(store.claim(keys, 1, now, answers)), "a claim failed");
      const auto ended = store.finish(ends, 1, now);
      Context::require(ended && *ended == kDedupBatch, "a claim was lost");
    }
  });
}

class PlainDedup {
 public:
  PlainDedup() : context_(redisConnect("127.0.0.1", redis_server().port())) {
    Context::require(context_ != nullptr && context_->err == 0, "redis: no connection");
  }
  ~PlainDedup() { redisFree(context_); }
  PlainDedup(const PlainDedup&) = delete;
  PlainDedup& operator=(const PlainDedup&) = delete;

  /// Claims a batch in one trip, and ends it in another.
  void run(std::size_t batch) {
    const std::uint64_t first = fresh_event();
    for (std::size_t i = 1; i < batch; ++i) static_cast<void>(fresh_event());
    trip(first, batch, "SET plain:%032llx P1 NX PX 60000");
    trip(first, batch, "SET plain:%032llx D0 PX 3600000");
  }

 private:
  void trip(std::uint64_t first, std::size_t batch, const char* command) {
    for (std::size_t i = 0; i < batch; ++i) {
      redisAppendCommand(context_, command, static_cast<unsigned long long>(first + i));
    }
    for (std::size_t i = 0; i < batch; ++i) {
      void* reply = nullptr;
      Context::require(redisGetReply(context_, &reply) == REDIS_OK, "redis: no answer");
      Context::require(static_cast<redisReply*>(reply)->type == REDIS_REPLY_STATUS, "redis: not set");
      freeReplyObject(reply);
    }
  }
  redisContext* context_;
};

Measure plain_dedup(std::size_t batch, std::size_t events) {
  return [=](Context&) {
    PlainDedup plain;
    return thousands_per_second(events, [&] {
      for (std::size_t done = 0; done < events; done += batch) plain.run(batch);
    });
  };
}

std::string hiredis(const char* how) {
  return "hiredis " + std::to_string(HIREDIS_MAJOR) + "." + std::to_string(HIREDIS_MINOR) + ", " + how;
}

}  // namespace

HEADRACE_BENCH_ROW("broker.redis.dedup", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_dedup);
  row.peer(hiredis("100 pipelined"), plain_dedup(kDedupBatch, kDedupEvents), everywhere(0.9));
  row.peer(hiredis("one at a time"), plain_dedup(1, kDedupNaive), everywhere(5));
}

}  // namespace headrace::bench
