#include "topic_aliases.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace headrace::mqtt {
namespace {

// Claim:  a topic's second message leaves it out; beyond the maximum the topic that was used longest ago gives its number
//         up; without a maximum, and for a topic that is no longer than an alias, there is none.
// Method: two numbers for three topics; a receiver of the same packets follows what each number means.
TEST(MqttTopicAliases, TopicUsedLongestAgoGivesItsNumberUp) {
  OutgoingAliases out(2);
  IncomingAliases in(2);
  std::string known;
  for (const std::string topic :
       {"plant/1", "plant/1", "plant/2", "plant/1", "plant/3", "plant/1", "plant/2", "x/1"}) {
    const auto alias = out.of(topic);
    known += alias.is_known ? '+' : '-';
    const auto number = alias.number == 0 ? std::nullopt : std::optional(alias.number);
    EXPECT_EQ(in.topic_of(alias.is_known ? "" : topic, number), topic);
  }
  EXPECT_EQ(known, "-+-+-+--");
  EXPECT_EQ(OutgoingAliases(0).of("plant/1").number, 0);
}

// Claim:  a broker's alias that is 0, above the maximum, or was given no topic means nothing, and so does an empty topic
//         without one; a number may get another topic.
// Method: each in turn.
TEST(MqttTopicAliases, HostileAliasesMeanNothing) {
  IncomingAliases in(3);
  EXPECT_EQ(in.topic_of("", std::nullopt), std::nullopt);
  EXPECT_EQ(in.topic_of("a", 0), std::nullopt);
  EXPECT_EQ(in.topic_of("a", 4), std::nullopt);
  EXPECT_EQ(in.topic_of("", 65'535), std::nullopt);
  EXPECT_EQ(in.topic_of("", 3), std::nullopt);
  EXPECT_EQ(in.topic_of("a", 3), "a");
  EXPECT_EQ(in.topic_of("", 3), "a");
  EXPECT_EQ(in.topic_of("", 2), std::nullopt);
  EXPECT_EQ(in.topic_of("b", 3), "b");
  EXPECT_EQ(in.topic_of("", 3), "b");
  EXPECT_EQ(IncomingAliases(0).topic_of("a", 1), std::nullopt);
}

}  // namespace
}  // namespace headrace::mqtt
