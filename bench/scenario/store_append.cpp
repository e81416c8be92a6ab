// 1 or 64 writers ── append(batch) ──► writer thread ── one transaction a group ──► file in WAL mode
//
// Question: how many events a second does the store take, and what do its promises (ids, versions, checksums, one
// answer a caller) cost against SQLite by hand? Peers, with the same durability on the same disk: one row a
// transaction, and one thread that fills transactions of a fixed size, which nobody has who must answer 64
// callers. Bodies of 200 bytes; thousands of events a second, counted over a fixed time.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "scenario/store_files.hpp"

namespace headrace::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kManyWriters = 64;

/// `write(writer)` appends once; answers thousands of events a second.
double thousands_per_second(Context& context, std::size_t writers, std::size_t batch,
                            const std::function<void(std::size_t writer)>& write) {
  std::atomic<std::uint64_t> appends{0};
  // Long enough for a few flushes of a slow disk.
  const auto length = std::chrono::duration<double>(std::max(0.5, 3 * context.seconds_per_run()));
  const auto begin = steady_clock::now();
  std::vector<std::function<void()>> threads;
  for (std::size_t writer = 0; writer < writers; ++writer) {
    threads.push_back([&, writer] {
      while (steady_clock::now() - begin < length) {
        write(writer);
        appends.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  const double seconds = context.run_free(threads);
  return static_cast<double>(appends.load() * batch) / seconds / 1e3;
}

Measure headrace_appends(SqliteDurability durability, std::size_t writers, std::size_t batch) {
  return [=](Context& context) {
    const StoreFolder folder;
    const auto store = open_store(folder, durability);
    std::atomic<std::uint64_t> events{0};
    const double rate = thousands_per_second(context, writers, batch, [&](std::size_t writer) {
      const auto receipt = store->append(
          AppendRequest::to("stream-" + std::to_string(writer), ExpectedVersion::any(), stored_events(batch)));
      Context::require(receipt && receipt->outcome == AppendOutcome::appended, "an append was refused");
      events.fetch_add(batch, std::memory_order_relaxed);
    });
    Context::require(*store->last_position() == events.load(), "events were lost");
    return rate;
  };
}

Measure plain_appends(SqliteDurability durability, std::size_t batch) {
  return [=](Context& context) {
    const StoreFolder folder;
    PlainTable table(folder, durability);
    std::uint64_t events = 0;
    const double rate = thousands_per_second(context, 1, batch, [&](std::size_t) {
      table.append(0, batch);
      events += batch;
    });
    Context::require(table.rows() == events, "rows were lost");
    return rate;
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
}

HEADRACE_BENCH_ROW("store.append.full.batch_100", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kFull, 1, 100));
  row.peer(plain("100 rows a transaction"), plain_appends(kFull, 100), everywhere(0.8));
}

HEADRACE_BENCH_ROW("store.append.full.batch_1000", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kFull, 1, 1000));
  row.peer(plain("1,000 rows a transaction"), plain_appends(kFull, 1000));
}

HEADRACE_BENCH_ROW("store.append.normal.1_writer", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kNormal, 1, 1));
  row.peer(plain("a transaction a row"), plain_appends(kNormal, 1));
}

HEADRACE_BENCH_ROW("store.append.normal.64_writers", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kNormal, kManyWriters, 1));
  row.peer(plain("a transaction a row"), plain_appends(kNormal, 1));
  row.peer(plain("64 rows a transaction"), plain_appends(kNormal, kManyWriters));
}

HEADRACE_BENCH_ROW("store.append.normal.batch_1000", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kNormal, 1, 1000));
  row.peer(plain("1,000 rows a transaction"), plain_appends(kNormal, 1000));
}

}  // namespace headrace::bench
