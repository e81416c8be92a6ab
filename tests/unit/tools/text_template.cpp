#include "text_template.hpp"

#include <gtest/gtest.h>

#include "collect.hpp"

namespace headrace::program {
namespace {

struct Topic {
  std::string topic;
  std::string problem;
};

Topic topic(std::string_view source, const std::string& value,
            TopicTemplate::OnIllegal on_illegal = TopicTemplate::OnIllegal::replace) {
  FieldTable mentioned;
  auto parsed = TopicTemplate::parse(source, mentioned);
  EXPECT_TRUE(parsed) << parsed.problem;
  parsed.value->on_illegal = on_illegal;
  const OneRecord one(mentioned, {{"v", value}});
  Topic made;
  made.problem = parsed.value->render(one.record, made.topic);
  return made;
}

// Claim:  fields, braces, the topic and the line are put into the text.
// Method: one template with all of them.
TEST(TextTemplate, PutsFieldsIntoText) {
  FieldTable mentioned;
  const auto parsed = TextTemplate::parse("{{M{mag}}} {gone}at {$topic}:{$line}", mentioned);
  ASSERT_TRUE(parsed) << parsed.problem;
  const OneRecord one(mentioned, {{"mag", "4.5"}});
  std::string out;
  parsed.value->render(one.record, "a/b", out);
  EXPECT_EQ(out, "{M4.5} at a/b:7");
}

// Claim:  a mistake is told with its column.
// Method: each kind of mistake.
TEST(TextTemplate, TellsTheColumnOfAMistake) {
  FieldTable mentioned;
  EXPECT_EQ(TextTemplate::parse("ab{c", mentioned).column, 2U);
  EXPECT_EQ(TextTemplate::parse("ab}", mentioned).column, 2U);
  EXPECT_EQ(TextTemplate::parse("ab{}", mentioned).column, 2U);
  EXPECT_EQ(TextTemplate::parse("ab{$x}", mentioned).column, 3U);
}

// Claim:  no value can add a level to a topic or make it a filter.
// Method: values with every special character, replaced and rejected.
TEST(TopicTemplate, ValuesCannotChangeTheTopicsShape) {
  EXPECT_EQ(topic("q/{v}/x", "a/b+c#d*e f.g").topic, "q/a_b_c_d_e_f.g/x");
  EXPECT_EQ(topic("q.{v}", "a.b/c").topic, "q.a_b_c");
  EXPECT_EQ(topic("{v}/x", "$SYS").topic, "_SYS/x");
  EXPECT_EQ(topic("q/{v}", "$5").topic, "q/$5");
  EXPECT_EQ(topic("q/{v}", "caf\xC3\xA9\xFF\n").topic, "q/caf\xC3\xA9__");
  EXPECT_EQ(topic("q/{v}", "ok b", TopicTemplate::OnIllegal::reject).problem,
            "topic field 'v' holds a character that cannot stand in a topic, at byte 3");
}

// Claim:  a record without a topic's value, or with a topic beyond the limit, has no topic.
// Method: an empty value, a missing field and a long value.
TEST(TopicTemplate, MissingValuesReject) {
  EXPECT_EQ(topic("q/{v}", "").problem, "topic field 'v' is empty");
  EXPECT_EQ(topic("q/{w}", "1").problem, "a field of the topic 'q/{w}' is missing");
  EXPECT_EQ(topic("q/{v}", std::string(2000, 'x')).problem, "the topic is longer than 1024 bytes");
}

// Claim:  templates that could never make a topic are refused.
// Method: empty levels, wildcards, pseudo fields.
TEST(TopicTemplate, ImpossibleTemplatesAreRefused) {
  FieldTable mentioned;
  for (const char* bad : {"", "/a", "a/", "a//b", "a/+/b", "a/#", "a b", "{$topic}", "{v"}) {
    EXPECT_FALSE(TopicTemplate::parse(bad, mentioned)) << bad;
  }
}

}  // namespace
}  // namespace headrace::program
