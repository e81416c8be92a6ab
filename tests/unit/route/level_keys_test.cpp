#include "headrace/route/detail/level_keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>

namespace headrace::detail {
namespace {

// Claim:  cutting by words finds the levels that cutting by bytes finds, whatever their sizes and places, and
//         reads nothing outside of the text (under ASan).
// Method: 50,000 random texts of 0 to 200 bytes, each in an allocation of its own size, against split_levels().
TEST(LevelKeys, CutLikeSplitLevels) {
  std::mt19937_64 random{1};
  for (int round = 0; round < 50'000; ++round) {
    const std::size_t size = random() % (round % 2 == 0 ? 24 : 200);
    const std::size_t separators = 2 + random() % 40;
    const auto text = std::make_unique<char[]>(size);
    for (std::size_t i = 0; i < size; ++i) {
      text[i] =
          static_cast<char>(random() % separators == 0 ? (random() % 8 == 0 ? '/' : '.') : 'a' + random() % 26);
    }
    const std::string_view topic{text.get(), size};
    LevelKeys keys;
    ASSERT_TRUE(keys.cut(topic));
    const auto levels = split_levels(topic);
    ASSERT_EQ(keys.count(), levels.size());
    for (std::size_t i = 0; i < levels.size(); ++i) {
      char words[LevelKey::kInlineBytes] = {};
      std::memcpy(words, levels[i].data(), std::min(levels[i].size(), sizeof words));
      EXPECT_EQ(keys[i].text(), levels[i]);
      EXPECT_EQ(std::memcmp(&keys[i].low, words, 8), 0);
      EXPECT_EQ(std::memcmp(&keys[i].high, words + 8, 8), 0);
    }
  }
}

// Claim:  equal levels have equal hashes wherever they stand.
// Method: levels of 1 to 40 bytes, first, in the middle and last.
TEST(LevelKeys, HashDependsOnTheLevelOnly) {
  for (std::size_t size = 1; size <= 40; ++size) {
    const std::string level(size, 'x');
    LevelKeys keys;
    ASSERT_TRUE(keys.cut(level + "/a/" + level + "/" + level));
    EXPECT_EQ(keys[0].hash, keys[2].hash);
    EXPECT_EQ(keys[0].hash, keys[3].hash);
    EXPECT_NE(keys[0].hash, keys[1].hash);
  }
}

}  // namespace
}  // namespace headrace::detail
