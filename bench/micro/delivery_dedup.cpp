//   event id ──► claim ──► (handler) ──► finish          (one thread)
//
// Question: what does idempotency cost an event while 2^20 done events are remembered? Every id is new, so that
// each event also makes the oldest give way: the window is full and stays full. Peers: std::unordered_map and a
// queue for the order, sized beforehand; the table in batches of 32, as frames of events arrive; and ids that are
// all in the window (duplicates). Answers are counted and checked.

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>

#include "harness/bench.hpp"
#include "headrace/delivery/dedup_table.hpp"

namespace headrace::bench {
namespace {

constexpr std::uint32_t kEvents = 1U << 20;
constexpr std::uint64_t kBatch = 32;
const EventTime kNow{std::chrono::seconds{1'700'000'000}};

DedupKey key_of(std::uint64_t i) { return {0x018b'cfe5'6800'7000 + (i >> 10), mix64(i)}; }

void fill(DedupTable& table) {
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    Context::require(table.claim(key_of(i), 1, kNow).claim == DedupClaim::run, "dedup: an event did not run");
    Context::require(table.finish({key_of(i)}, 1, kNow), "dedup: a claim was lost");
  }
}

/// `run(first)` does kBatch events from that number on and answers how many ran.
template <class Run>
double time_batches(Context& context, std::uint64_t each, Run&& run) {
  std::uint64_t next = kEvents;
  return context.nanoseconds_each([&](std::uint64_t count) {
    const std::uint64_t batches = (count + kBatch - 1) / kBatch;
    std::uint64_t ran = 0;
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < batches; ++i, next += kBatch) ran += run(next);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    Context::require(ran == batches * each, "dedup: a wrong answer");
    return took.count() * static_cast<double>(count) / static_cast<double>(batches * kBatch);
  });
}

double table_one_by_one(Context& context) {
  DedupTable table{{.events_max = kEvents}};
  fill(table);
  return time_batches(context, kBatch, [&](std::uint64_t first) {
    std::uint64_t ran = 0;
    for (std::uint64_t i = first; i < first + kBatch; ++i) {
      const DedupKey key = key_of(i);
      if (table.claim(key, 1, kNow).claim != DedupClaim::run) continue;
      ran += table.finish({key}, 1, kNow) ? 1 : 0;
    }
    return ran;
  });
}

double table_in_batches(Context& context) {
  DedupTable table{{.events_max = kEvents}};
  fill(table);
  return time_batches(context, kBatch, [&](std::uint64_t first) {
    std::array<DedupKey, kBatch> keys;
    std::array<DedupAnswer, kBatch> answers;
    for (std::uint64_t i = 0; i < kBatch; ++i) keys[i] = key_of(first + i);
    table.claim(keys, 1, kNow, answers.data());
    std::uint64_t ran = 0;
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      if (answers[i].claim == DedupClaim::run) ran += table.finish({keys[i]}, 1, kNow) ? 1 : 0;
    }
    return ran;
  });
}

double table_duplicates(Context& context) {
  DedupTable table{{.events_max = kEvents}};
  fill(table);
  return time_batches(context, kBatch, [&](std::uint64_t first) {
    std::uint64_t done = 0;
    for (std::uint64_t i = first; i < first + kBatch; ++i) {
      done += table.claim(key_of(mix64(i) % kEvents), 1, kNow).claim == DedupClaim::done ? 1 : 0;
    }
    return done;
  });
}

struct KeyHash {
  std::size_t operator()(const DedupKey& key) const noexcept { return hash_key(key); }
};

double map_one_by_one(Context& context) {
  std::unordered_map<DedupKey, bool, KeyHash> states;
  states.reserve(kEvents + 1);
  std::deque<DedupKey> order;
  const auto claim = [&](const DedupKey& key) {
    if (!states.try_emplace(key, false).second) return false;
    order.push_back(key);
    if (order.size() > kEvents) {
      states.erase(order.front());
      order.pop_front();
    }
    return true;
  };
  for (std::uint64_t i = 0; i < kEvents; ++i) Context::require(claim(key_of(i)), "dedup: an event did not run");
  return time_batches(context, kBatch, [&](std::uint64_t first) {
    std::uint64_t ran = 0;
    for (std::uint64_t i = first; i < first + kBatch; ++i) {
      const DedupKey key = key_of(i);
      if (!claim(key)) continue;
      states.find(key)->second = true;
      ++ran;
    }
    return ran;
  });
}

HEADRACE_BENCH_ROW("delivery.dedup.1m", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours(table_one_by_one);
  row.peer("headrace in batches of 32", table_in_batches);
  row.peer("headrace, duplicates only", table_duplicates);
  row.peer("unordered_map and a queue", map_one_by_one, everywhere(1 / 3.0));
}

}  // namespace
}  // namespace headrace::bench
