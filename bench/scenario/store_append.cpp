// 1 or 64 writers ── append(batch) ──► writer thread ── one transaction a group ──► file in WAL mode
//
// Question: how many events a second does the store take, and what do its promises (ids, versions, checksums, one
// answer a caller) cost against SQLite by hand? Peers, with the same durability on the same disk: one row a
// transaction, and one thread that fills transactions of a fixed size, which nobody has who must answer 64
// callers; with rows of one stream, and of 64 as the store's 64 writers write them, which touch as many places of the
// index of streams; without ids, and with an id and its index, without which nobody can tell that an event is there
// already. What is left of 64 callers without any store is a peer too. Bodies of 200 bytes; thousands of events a
// second, counted over a fixed time.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/base/futex.hpp"
#include "scenario/store_files.hpp"

namespace headrace::bench {
namespace {

constexpr std::size_t kManyWriters = 64;

/// Whether each writer has a stream of its own.
enum class Streams { one_each, one };

Measure headrace_appends(SqliteDurability durability, std::size_t writers, std::size_t batch,
                         Streams streams = Streams::one_each) {
  return [=](Context& context) {
    const StoreFolder folder;
    const auto store = open_store(folder, durability);
    std::atomic<std::uint64_t> events{0};
    const double rate = thousands_per_second(context, writers, batch, [&](std::size_t writer) {
      const std::size_t stream = streams == Streams::one ? 0 : writer;
      const auto receipt = store->append(
          AppendRequest::to("stream-" + std::to_string(stream), ExpectedVersion::any(), stored_events(batch)));
      Context::require(receipt && receipt->outcome == AppendOutcome::appended, "an append was refused");
      events.fetch_add(batch, std::memory_order_relaxed);  // no partner: the threads' ends order it
    });
    Context::require(*store->last_position() == events.load(std::memory_order_relaxed),  // no partner: joined
                     "events were lost");
    return rate;
  };
}

using Rows = PlainTable::Rows;

Measure plain_appends(SqliteDurability durability, std::size_t batch, std::size_t streams = 1,
                      Rows rows = Rows::plain) {
  return [=](Context& context) {
    const StoreFolder folder;
    PlainTable table(folder, durability, rows);
    std::uint64_t events = 0;
    const double rate = thousands_per_second(context, 1, batch, [&](std::size_t) {
      table.append(0, batch, streams);
      events += batch;
    });
    Context::require(table.rows() == events, "rows were lost");
    return rate;
  };
}

/// Group commit, the least of it: a thread does what all who wait have brought, then answers them at once.
class Grouped {
 public:
  using Work = std::function<void(std::span<const std::int64_t> brought)>;

  explicit Grouped(Work work) : work_(std::move(work)), thread_([this] { loop(); }) {}
  ~Grouped() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    turn_.notify_one();
    thread_.join();
  }
  void wait_for(std::int64_t bring) {
    const auto group = enqueue(bring);
    while (group->answered.load(std::memory_order_acquire) == 0) {  // A1 <- D1
      static_cast<void>(futex_wait(&group->answered, 0, kNoDeadline));
    }
  }

 private:
  struct Group {
    std::vector<std::int64_t> brought;
    std::atomic<std::uint32_t> answered{0};
  };

  std::shared_ptr<Group> enqueue(std::int64_t bring) {
    const std::lock_guard lock(mutex_);
    gathering_->brought.push_back(bring);
    if (gathering_->brought.size() == 1) turn_.notify_one();
    return gathering_;
  }
  void loop() {
    for (;;) {
      std::shared_ptr<Group> group = std::make_shared<Group>();
      {
        std::unique_lock lock(mutex_);
        turn_.wait(lock, [this] { return closing_ || !gathering_->brought.empty(); });
        if (gathering_->brought.empty()) return;
        std::swap(group, gathering_);
      }
      work_(group->brought);
      group->answered.store(1, std::memory_order_release);  // D1 -> A1
      futex_wake_all(&group->answered);
    }
  }

  const Work work_;
  std::mutex mutex_;
  std::condition_variable turn_;
  std::shared_ptr<Group> gathering_ = std::make_shared<Group>();  // behind mutex_, as is the one below
  bool closing_ = false;
  std::thread thread_;
};

Measure grouped_by_hand(SqliteDurability durability, Streams streams, Rows rows) {
  return [=](Context& context) {
    const StoreFolder folder;
    PlainTable table(folder, durability, rows);
    std::atomic<std::uint64_t> events{0};
    double rate = 0;
    {
      Grouped grouped([&](std::span<const std::int64_t> brought) { table.append(brought); });
      rate = thousands_per_second(context, kManyWriters, 1, [&](std::size_t writer) {
        grouped.wait_for(streams == Streams::one ? 0 : static_cast<std::int64_t>(writer));
        events.fetch_add(1, std::memory_order_relaxed);  // no partner: the threads' ends order it
      });
    }
    Context::require(table.rows() == events.load(std::memory_order_relaxed),  // no partner: joined
                     "rows were lost");
    return rate;
  };
}

Measure answers_alone() {
  return [=](Context& context) {
    Grouped grouped([](std::span<const std::int64_t>) {});
    return thousands_per_second(context, kManyWriters, 1, [&](std::size_t) { grouped.wait_for(0); });
  };
}

constexpr auto kFull = SqliteDurability::full;
constexpr auto kNormal = SqliteDurability::normal;

std::string plain(const char* how) { return std::string{"SQLite "} + sqlite3_libversion() + ", " + how; }

}  // namespace

HEADRACE_BENCH_ROW("store.append.full.1_writer", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kFull, 1, 1));
  row.peer(plain("a transaction a row"), plain_appends(kFull, 1));
}

HEADRACE_BENCH_ROW("store.append.full.64_writers", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kFull, kManyWriters, 1));
  row.peer(plain("a transaction a row"), plain_appends(kFull, 1), everywhere(20));
  row.peer(plain("64 rows a transaction"), plain_appends(kFull, kManyWriters), everywhere(0.8));
  row.peer(plain("64 rows of 64 streams a transaction"), plain_appends(kFull, kManyWriters, kManyWriters));
  row.peer(plain("64 rows of 64 streams, with ids, a transaction"),
           plain_appends(kFull, kManyWriters, kManyWriters, Rows::with_ids), everywhere(0.8));
  row.peer(plain("64 callers grouped by hand"), grouped_by_hand(kFull, Streams::one_each, Rows::plain));
  row.peer(plain("64 callers grouped by hand, with ids"),
           grouped_by_hand(kFull, Streams::one_each, Rows::with_ids), everywhere(0.8));
  row.peer("64 callers grouped, without a store", answers_alone());
}

HEADRACE_BENCH_ROW("store.append.full.64_writers_of_1_stream", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kFull, kManyWriters, 1, Streams::one));
  row.peer(plain("a transaction a row"), plain_appends(kFull, 1), everywhere(20));
  row.peer(plain("64 rows a transaction"), plain_appends(kFull, kManyWriters), everywhere(0.8));
  row.peer(plain("64 rows, with ids, a transaction"), plain_appends(kFull, kManyWriters, 1, Rows::with_ids),
           everywhere(0.8));
  row.peer(plain("64 callers grouped by hand"), grouped_by_hand(kFull, Streams::one, Rows::plain));
  row.peer(plain("64 callers grouped by hand, with ids"), grouped_by_hand(kFull, Streams::one, Rows::with_ids),
           everywhere(0.8));
}

HEADRACE_BENCH_ROW("store.append.full.batch_100", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kFull, 1, 100));
  row.peer(plain("100 rows a transaction"), plain_appends(kFull, 100), everywhere(0.8));
  row.peer(plain("100 rows, with ids, a transaction"), plain_appends(kFull, 100, 1, Rows::with_ids));
}

HEADRACE_BENCH_ROW("store.append.full.batch_1000", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kFull, 1, 1000));
  row.peer(plain("1,000 rows a transaction"), plain_appends(kFull, 1000));
  row.peer(plain("1,000 rows, with ids, a transaction"), plain_appends(kFull, 1000, 1, Rows::with_ids));
}

HEADRACE_BENCH_ROW("store.append.normal.1_writer", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kNormal, 1, 1));
  row.peer(plain("a transaction a row"), plain_appends(kNormal, 1));
}

HEADRACE_BENCH_ROW("store.append.normal.64_writers", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kNormal, kManyWriters, 1));
  row.peer(plain("a transaction a row"), plain_appends(kNormal, 1));
  row.peer(plain("64 rows a transaction"), plain_appends(kNormal, kManyWriters));
  row.peer(plain("64 rows of 64 streams a transaction"), plain_appends(kNormal, kManyWriters, kManyWriters));
  row.peer(plain("64 rows of 64 streams, with ids, a transaction"),
           plain_appends(kNormal, kManyWriters, kManyWriters, Rows::with_ids));
  row.peer(plain("64 callers grouped by hand"), grouped_by_hand(kNormal, Streams::one_each, Rows::plain));
  row.peer(plain("64 callers grouped by hand, with ids"),
           grouped_by_hand(kNormal, Streams::one_each, Rows::with_ids));
}

HEADRACE_BENCH_ROW("store.append.normal.batch_1000", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kNormal, 1, 1000));
  row.peer(plain("1,000 rows a transaction"), plain_appends(kNormal, 1000));
  row.peer(plain("1,000 rows, with ids, a transaction"), plain_appends(kNormal, 1000, 1, Rows::with_ids));
}

}  // namespace headrace::bench
