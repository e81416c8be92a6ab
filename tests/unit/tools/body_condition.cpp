#include "body_condition.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace headrace::program {
namespace {

std::string looked_at(BodyCondition& condition, std::string_view body) {
  const Result<bool> met = condition(std::as_bytes(std::span(body)));
  return !met ? "error: " + met.error().what : *met ? "yes" : "no";
}

// Claim:  a condition looks into JSON bodies by the names of their fields, whatever fields and order each has.
// Method: bodies that meet it, that do not, and that lack the field.
TEST(BodyConditions, LookIntoJsonBodies) {
  auto parsed = BodyCondition::parse("temp > 40 and site.name == 'north'");
  ASSERT_TRUE(parsed) << parsed.problem;
  BodyCondition& condition = *parsed.value;
  EXPECT_EQ(looked_at(condition, R"({"temp": 41, "site": {"name": "north"}})"), "yes");
  EXPECT_EQ(looked_at(condition, R"({"temp": 39, "site": {"name": "north"}})"), "no");
  EXPECT_EQ(looked_at(condition, "{\n  \"site\": {\"name\": \"north\"},\n  \"temp\": 40.5\n}\n"), "yes");
  EXPECT_EQ(looked_at(condition, R"({"temp": 41})"), "no");
  EXPECT_EQ(looked_at(condition, "{}"), "no");
  BodyCondition copy = condition;
  EXPECT_EQ(looked_at(copy, R"({"temp": 41, "site": {"name": "north"}})"), "yes");
}

// Claim:  a body that cannot be looked into is an error and not a no, so that it is not lost without a word.
// Method: bodies of each kind.
TEST(BodyConditions, UnreadableBodiesAreErrors) {
  auto parsed = BodyCondition::parse("temp > 40");
  ASSERT_TRUE(parsed);
  BodyCondition& condition = *parsed.value;
  const std::string deep = "{\"a\": " + std::string(70, '[') + std::string(70, ']') + "}";
  for (const std::string& body : {std::string(), std::string("41"), std::string("{\"temp\": 41"),
                                  std::string("\xff"), std::string("{\"temp\": 1, \"temp\": 50}"),
                                  std::string("{\"a\": 1}{\"b\": 2}"), deep, std::string(2'000'000, ' ')}) {
    EXPECT_TRUE(looked_at(condition, body).starts_with("error: ")) << body.substr(0, 40);
  }
  EXPECT_EQ(looked_at(condition, R"({"temp": 41})"), "yes");
}

// Claim:  a condition that cannot be read says where and why.
// Method: one that ends early.
TEST(BodyConditions, MistakesAreFound) {
  const auto parsed = BodyCondition::parse("temp >");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.column, 6U);
}

}  // namespace
}  // namespace headrace::program
