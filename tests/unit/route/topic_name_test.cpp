#include "headrace/route/topic_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headrace {
namespace {

// Claim:  names as people and brokers write them are taken.
// Method: a table, with both separators, UTF-8 and the longest name.
TEST(TopicName, TakesNamesOfLevelsInUtf8) {
  for (const std::string& name :
       {std::string{"orders"}, std::string{"orders.placed"}, std::string{"site/7/dev/42/temp"},
        std::string{"$SYS/uptime"}, std::string{"site/host.example.org/cpu"}, std::string{"a b/c\td"},
        std::string{"../a"}, std::string{"Zürich/Straße/\xf0\x9f\x9a\x82"}, std::string{"net/2*3/x"},
        std::string(kTopicBytesMax, 'x')}) {
    const Status checked = check_topic_name(name);
    EXPECT_TRUE(checked) << name << ": " << checked.error().message();
  }
}

struct RefusedName {
  std::string name;
  std::string message;
};

// Claim:  what is no name is refused with what is wrong and at which byte.
// Method: a table with one entry for each rule, at the start, in the middle and at the end.
TEST(TopicName, RefusesWithReasonAndByte) {
  const std::vector<RefusedName> table{
      {"", "topic name, byte 0: is empty"},
      {std::string(kTopicBytesMax + 1, 'x'), "topic name, byte 1024: has 1025 bytes, 1024 is the most"},
      {std::string("a\0b", 3), "topic name, byte 1: NUL is not allowed"},
      {"a/+", "topic name, byte 2: '+' is a wildcard, for filters only"},
      {"a/b#", "topic name, byte 3: '#' is a wildcard, for filters only"},
      {"a.*", "topic name, byte 2: '*' is a wildcard, for filters only"},
      {"/a", "topic name, byte 0: a level is empty"},
      {"a//b", "topic name, byte 2: a level is empty"},
      {"a/", "topic name, byte 2: a level is empty"},
      {".", "topic name, byte 0: a level is empty"},
      {"a..b", "topic name, byte 2: a level is empty"},
      {"a\x80", "topic name, byte 1: is not UTF-8"},
      {"\xc0\xaf", "topic name, byte 0: is not UTF-8"},          // an overlong '/'
      {"ab\xe0\x80\xaf", "topic name, byte 2: is not UTF-8"},    // the same in three bytes
      {"\xed\xa0\x80", "topic name, byte 0: is not UTF-8"},      // a surrogate
      {"\xf4\x90\x80\x80", "topic name, byte 0: is not UTF-8"},  // above U+10FFFF
      {"a\xf0\x9f\x9a", "topic name, byte 1: is not UTF-8"},     // cut short
      {"\xf0\x9f\x9a"
       "a",
       "topic name, byte 0: is not UTF-8"},  // broken off
  };
  for (const RefusedName& refused : table) {
    const Status checked = check_topic_name(refused.name);
    ASSERT_FALSE(checked) << refused.name;
    EXPECT_EQ(checked.error().message(), refused.message);
  }
}

// Claim:  a `/` anywhere makes `.` an ordinary byte.
// Method: levels of names with one separator, the other, both and none.
TEST(TopicName, OneNameUsesOneSeparator) {
  using Levels = std::vector<std::string_view>;
  EXPECT_EQ(split_levels("orders"), (Levels{"orders"}));
  EXPECT_EQ(split_levels("orders.placed.eu"), (Levels{"orders", "placed", "eu"}));
  EXPECT_EQ(split_levels("site/7/temp"), (Levels{"site", "7", "temp"}));
  EXPECT_EQ(split_levels("a.b/7.5/c"), (Levels{"a.b", "7.5", "c"}));
}

}  // namespace
}  // namespace headrace
