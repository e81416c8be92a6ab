#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "headrace/route/topic_cache.hpp"

namespace headrace {
namespace {

constexpr std::uint32_t kNames = 50'000;
constexpr int kReaders = 3;

/// A value whose halves belong together, so that a torn or unbuilt one shows.
struct Value {
  std::uint64_t name;
  std::uint64_t check;
};

std::string name(std::uint64_t i) {
  return "site/" + std::to_string(i % 97) + "/dev/" + std::to_string(i) + "/temp";
}

// Claim:  readers never see a half-built entry, an entry never goes again, and all are there in the end.
// Method: one thread inserts 50,000 names in order; readers follow it, each name asked until it is there, with
//         every older power-of-two neighbour asked again. Sums and counts are checked at the end.
TEST(TopicCacheStress, ReadersSeeEntriesWholeAndForGood) {
  TopicCache<Value> cache{kNames};
  std::array<std::uint64_t, kReaders> sums{};
  std::array<std::uint64_t, kReaders> faults{};
  std::vector<std::thread> readers;
  for (std::size_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      for (std::uint64_t i = 0; i < kNames; ++i) {
        const std::string wanted = name(i);
        const Value* found = cache.find(wanted);
        for (; found == nullptr; found = cache.find(wanted)) std::this_thread::yield();
        sums[reader] += found->name;
        faults[reader] += found->check == ~found->name && found->name == i ? 0 : 1;
        for (std::uint64_t back = 1; back <= i; back *= 8) {
          const Value* const older = cache.find(name(i - back));
          faults[reader] += older != nullptr && older->name == i - back ? 0 : 1;
        }
      }
    });
  }
  for (std::uint64_t i = 0; i < kNames; ++i) {
    EXPECT_EQ(cache.insert(name(i), Value{i, ~i}), CacheInsert::inserted);
  }
  for (std::thread& reader : readers) reader.join();
  for (std::size_t reader = 0; reader < kReaders; ++reader) {
    EXPECT_EQ(sums[reader], std::uint64_t{kNames} * (kNames - 1) / 2);
    EXPECT_EQ(faults[reader], 0u);
  }
}

}  // namespace
}  // namespace headrace
