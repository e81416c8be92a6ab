#include "headrace/wire/topic_map.hpp"

#include <gtest/gtest.h>

namespace headrace::wire {
namespace {

TopicMap map_of(std::initializer_list<std::pair<const char*, const char*>> rules) {
  TopicMap map;
  for (const auto& [outside, inside] : rules) {
    const Status added = map.add(outside, inside);
    EXPECT_TRUE(added) << added.error().message();
  }
  return map;
}

// Claim:  a rule carries the levels that its wildcards stand for, both ways.
// Method: pairs of names under several rules.
TEST(TopicMap, MapsBothWays) {
  const TopicMap map = map_of({{"plant/+/temp", "plant.*.temp"},
                               {"a/+/b/+", "b/+/x/+/y"},
                               {"orders.#", "shop/orders/#"},
                               {"exact/name", "other"},
                               {"#", "rest/#"}});
  const std::vector<std::pair<const char*, const char*>> pairs{{"plant/7/temp", "plant.7.temp"},
                                                               {"a/1/b/2", "b/1/x/2/y"},
                                                               {"orders.eu.placed", "shop/orders/eu/placed"},
                                                               {"orders", "shop/orders"},
                                                               {"exact/name", "other"},
                                                               {"plant/7/humidity", "rest/plant/7/humidity"},
                                                               {"$SYS/up.time", "rest/$SYS/up.time"}};
  for (const auto& [outside, inside] : pairs) {
    const auto in = map.to_inside(outside);
    ASSERT_TRUE(in) << outside << in.error().message();
    EXPECT_EQ(*in, inside);
    const auto out = map.to_outside(inside);
    ASSERT_TRUE(out) << inside << out.error().message();
    EXPECT_EQ(*out, outside);
  }
}

// Claim:  a level that the other side cannot hold is refused, never changed.
// Method: topics from data with each kind of bad level.
TEST(TopicMap, RefusesLevelsThatWouldChangeTheirMeaning) {
  const TopicMap map = map_of({{"plant/+/temp", "plant.*.temp"}, {"dev/#", "device/#"}});
  EXPECT_EQ(map.to_inside("plant/host.example.org/temp").error().message(),
            "topic 'plant/host.example.org/temp': level 'host.example.org' holds '.'");
  for (const std::string bad :
       {"plant//temp", "plant/+/temp", "plant/#/temp", "plant/*/temp", "dev//x", "dev/", "dev/a+b", "dev/#"}) {
    EXPECT_FALSE(map.to_inside(bad)) << bad;
  }
  EXPECT_FALSE(map.to_outside("plant.a/b.temp"));
  EXPECT_FALSE(map.to_inside(std::string("dev/a\0b", 7)));
  EXPECT_FALSE(map.to_inside("dev/\xff"));
  EXPECT_FALSE(map.to_inside(""));
  EXPECT_FALSE(map.to_inside("dev/" + std::string(1021, 'x')));
  EXPECT_EQ(map.to_inside("other/x").error().message(), "topic 'other/x': no rule fits");
}

// Claim:  a rule whose sides do not fit each other is refused when it is added.
// Method: each kind of misfit.
TEST(TopicMap, RefusesRulesThatCannotBeTurnedRound) {
  TopicMap map;
  EXPECT_EQ(map.add("a/+", "a").error().message(), "topic rule 'a/+': has other wildcards than 'a'");
  EXPECT_FALSE(map.add("a/#", "a/+"));
  EXPECT_FALSE(map.add("a/#/b", "a.#.b"));
  EXPECT_FALSE(map.add("a//b", "x"));
  EXPECT_FALSE(map.add("", "x"));
  EXPECT_FALSE(map.add("a/b+", "x"));
  EXPECT_FALSE(map.add("a.b*", "x"));
  EXPECT_TRUE(map.empty());
}

}  // namespace
}  // namespace headrace::wire
