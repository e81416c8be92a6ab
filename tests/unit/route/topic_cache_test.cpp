#include "headrace/route/topic_cache.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headrace {
namespace {

std::string name(std::uint32_t i) { return "site/" + std::to_string(i % 7) + "/dev/" + std::to_string(i); }

// Claim:  every inserted name is found with its value, and no other.
// Method: 10,000 names, all looked up, and as many that were not inserted.
TEST(TopicCache, FindsWhatWasInserted) {
  TopicCache<std::uint32_t> cache{10'000};
  for (std::uint32_t i = 0; i < 10'000; ++i) EXPECT_EQ(cache.insert(name(i), i), CacheInsert::inserted);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const std::uint32_t* found = cache.find(name(i));
    ASSERT_NE(found, nullptr) << name(i);
    EXPECT_EQ(*found, i);
    EXPECT_EQ(cache.find(name(i + 10'000)), nullptr);
  }
}

// Claim:  the first value of a name stays, and a full cache refuses new names only.
// Method: a cache of two entries.
TEST(TopicCache, RefusesTheSecondValueAndTheNameTooMany) {
  TopicCache<int> cache{2};
  EXPECT_EQ(cache.insert("a", 1), CacheInsert::inserted);
  EXPECT_EQ(cache.insert("a", 2), CacheInsert::present);
  EXPECT_EQ(cache.insert("b", 3), CacheInsert::inserted);
  EXPECT_EQ(cache.insert("c", 4), CacheInsert::full);
  EXPECT_EQ(cache.insert("b", 5), CacheInsert::present);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(*cache.find("a"), 1);
  EXPECT_EQ(*cache.find("b"), 3);
  EXPECT_EQ(cache.find("c"), nullptr);
}

// Claim:  a cache of no entries is a cache that finds nothing.
// Method: entries_max 0.
TEST(TopicCache, MayBeOfNoEntries) {
  TopicCache<int> cache{0};
  EXPECT_EQ(cache.insert("a", 1), CacheInsert::full);
  EXPECT_EQ(cache.find("a"), nullptr);
}

// Claim:  a value found keeps its address while others come.
// Method: hold the first one's address over 1,000 inserts.
TEST(TopicCache, ValuesDoNotMove) {
  TopicCache<std::uint32_t> cache{1001};
  EXPECT_EQ(cache.insert("first", 7), CacheInsert::inserted);
  const std::uint32_t* const first = cache.find("first");
  for (std::uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(cache.insert(name(i), i), CacheInsert::inserted);
  EXPECT_EQ(cache.find("first"), first);
  EXPECT_EQ(*first, 7u);
}

}  // namespace
}  // namespace headrace
