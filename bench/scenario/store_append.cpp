// 1 or 64 writers ── append(batch) ──► writer thread ── one transaction a group ──► file in WAL mode
//
// Question: how many events a second does the store take, and what do its promises (ids, versions, checksums, one
// answer a caller) cost against SQLite by hand? Peers, with the same durability on the same disk: one row a
// transaction, and one thread that fills transactions of a fixed size, which nobody has who must answer 64
// callers; with rows of one stream, and of 64 as the store's 64 writers write them, which touch as many places of the
// index of streams. Bodies of 200 bytes; thousands of events a second, counted over a fixed time.

#include <atomic>
#include <string>

#include "scenario/store_files.hpp"

namespace headrace::bench {
namespace {

constexpr std::size_t kManyWriters = 64;

Measure headrace_appends(SqliteDurability durability, std::size_t writers, std::size_t batch) {
  return [=](Context& context) {
    const StoreFolder folder;
    const auto store = open_store(folder, durability);
    std::atomic<std::uint64_t> events{0};
    const double rate = thousands_per_second(context, writers, batch, [&](std::size_t writer) {
      const auto receipt = store->append(
          AppendRequest::to("stream-" + std::to_string(writer), ExpectedVersion::any(), stored_events(batch)));
      Context::require(receipt && receipt->outcome == AppendOutcome::appended, "an append was refused");
      events.fetch_add(batch, std::memory_order_relaxed);  // no partner: the threads' ends order it
    });
    Context::require(*store->last_position() == events.load(std::memory_order_relaxed),  // no partner: joined
                     "events were lost");
    return rate;
  };
}

Measure plain_appends(SqliteDurability durability, std::size_t batch, std::size_t streams = 1) {
  return [=](Context& context) {
    const StoreFolder folder;
    PlainTable table(folder, durability);
    std::uint64_t events = 0;
    const double rate = thousands_per_second(context, 1, batch, [&](std::size_t) {
      table.append(0, batch, streams);
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
  row.peer(plain("64 rows of 64 streams a transaction"), plain_appends(kFull, kManyWriters, kManyWriters));
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
  row.peer(plain("64 rows of 64 streams a transaction"), plain_appends(kNormal, kManyWriters, kManyWriters));
}

HEADRACE_BENCH_ROW("store.append.normal.batch_1000", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_appends(kNormal, 1, 1000));
  row.peer(plain("1,000 rows a transaction"), plain_appends(kNormal, 1000));
}

}  // namespace headrace::bench
