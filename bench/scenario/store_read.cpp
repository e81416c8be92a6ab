// file in the page cache ──► one reader ──► visitor
//
// Question: how quickly do events come back, whole and checked against their checksums? Peers are a SELECT by hand
// over the least table that serves: no ids, no times, no tags, nothing checked. Bodies of 200 bytes.

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "scenario/store_files.hpp"

namespace headrace::bench {
namespace {

constexpr std::size_t kStreams = 100;
constexpr std::size_t kEventsEach = 1000;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Interleaved, as events of many aggregates come: ten of each stream at a time.
void fill(EventStore& store) {
  for (std::size_t round = 0; round < kEventsEach / 10; ++round) {
    AppendRequest request;
    for (std::size_t stream = 0; stream < kStreams; ++stream) {
      request.streams.push_back({std::to_string(stream), ExpectedVersion::any(), stored_events(10)});
    }
    if (!store.append(request)) throw std::runtime_error("an append was refused");
  }
}

void fill(PlainTable& table) {
  for (std::size_t round = 0; round < kEventsEach / 10; ++round) {
    for (std::size_t stream = 0; stream < kStreams; ++stream) table.append(static_cast<std::int64_t>(stream), 10);
  }
}

/// A store with everything in its reader's cache: the plain table reads by the connection that wrote, which has
/// it, too.
std::unique_ptr<SqliteEventStore> warm_store(const StoreFolder& folder) {
  auto store = open_store(folder, SqliteDurability::memory);
  fill(*store);
  std::size_t events = 0;
  const auto count = [&](StoredEvent&) {
    ++events;
    return Visit::more;
  };
  const bool read = store->read_all({}, count).has_value();
  Context::require(read && events == kStreams * kEventsEach, "events to warm up with");
  for (std::size_t stream = 0; stream < kStreams; ++stream) {
    Context::require(store->read_stream({.stream = std::to_string(stream)}, count).has_value(), "streams");
  }
  return store;
}

double headrace_reads_all(Context& context) {
  const StoreFolder folder;
  const auto store = warm_store(folder);
  return context.millions_per_second([&](std::uint64_t events) {
    const auto begin = std::chrono::steady_clock::now();
    std::size_t bytes = 0;
    for (std::uint64_t left = events; left > 0;) {
      const auto end = store->read_all({.limit = left}, [&](StoredEvent& event) {
        bytes += event.event.body.size();
        return Visit::more;
      });
      left -= end->events;
    }
    Context::require(bytes == events * kStoredBodyBytes, "bytes of the bodies");
    return seconds_since(begin);
  });
}

double plain_reads_all(Context& context) {
  const StoreFolder folder;
  PlainTable table(folder, SqliteDurability::normal);
  fill(table);
  return context.millions_per_second([&](std::uint64_t events) {
    const std::uint64_t rounds = 1 + events / (kStreams * kEventsEach);
    const auto begin = std::chrono::steady_clock::now();
    std::size_t bytes = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) bytes += table.read(-1);
    const double seconds = seconds_since(begin);
    Context::require(bytes == rounds * kStreams * kEventsEach * kStoredBodyBytes, "bytes of the bodies");
    return seconds * static_cast<double>(events) / static_cast<double>(rounds * kStreams * kEventsEach);
  });
}

/// Microseconds for one stream of 1,000 events; the streams take turns.
template <class Load>
double microseconds_each(Load load) {
  constexpr std::size_t kLoads = 300;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kLoads; ++i) {
    Context::require(load(i % kStreams) == kEventsEach * kStoredBodyBytes, "bytes of the bodies");
  }
  return seconds_since(begin) * 1e6 / kLoads;
}

double headrace_loads(Context&) {
  const StoreFolder folder;
  const auto store = warm_store(folder);
  return microseconds_each([&](std::size_t stream) {
    std::size_t bytes = 0;
    const auto end = store->read_stream({.stream = std::to_string(stream)}, [&](StoredEvent& event) {
      bytes += event.event.body.size();
      return Visit::more;
    });
    return end ? bytes : 0;
  });
}

double plain_loads(Context&) {
  const StoreFolder folder;
  PlainTable table(folder, SqliteDurability::normal);
  fill(table);
  return microseconds_each([&](std::size_t stream) { return table.read(static_cast<std::int64_t>(stream)); });
}

}  // namespace

HEADRACE_BENCH_ROW("store.read_all", .unit = "M/s", .cores = Cores::one) {
  row.ours(headrace_reads_all);
  row.peer(
      "the aim: 1 M/s", [](Context&) { return 1.0; }, everywhere(1));
  row.peer("SQLite by hand", plain_reads_all);
}

HEADRACE_BENCH_ROW("store.load_1000_events", .unit = "us", .better = Better::lower, .cores = Cores::one) {
  row.ours(headrace_loads);
  row.peer("a bare SELECT", plain_loads, everywhere(1.5));
}

}  // namespace headrace::bench
