#include "alert_rule.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace headrace::program {
namespace {

using News = Threshold::News;

// Claim:  a limit is news when it is passed and when that is over, once each, and not while numbers waver in between;
//         each key for itself.
// Method: numbers in a row, above a limit and below one, with their news.
TEST(Thresholds, TellOnceWhatIsPassedAndOnceWhatIsOver) {
  Threshold hot(Threshold::Side::above, 80, 75);
  const std::pair<double, News> rising[] = {{79, News::none}, {80, News::raised}, {90, News::none},
                                            {76, News::none}, {81, News::none},   {75, News::over},
                                            {79, News::none}, {80, News::raised}};
  for (const auto& [number, news] : rising) EXPECT_EQ(hot.look("a", number), news) << number;
  EXPECT_EQ(hot.look("b", 85), News::raised);
  EXPECT_EQ(hot.look("b", 10), News::over);
  Threshold cold(Threshold::Side::below, -5, -5);
  const std::pair<double, News> falling[] = {
      {0, News::none}, {-5, News::raised}, {-5, News::none}, {-4.9, News::over}, {-6, News::raised}};
  for (const auto& [number, news] : falling) EXPECT_EQ(cold.look("", number), news) << number;
}

// Claim:  what could not be told is told with the next number; keys beyond the bound are told each time.
// Method: both kinds of news taken back; a bound of one key.
TEST(Thresholds, WhatCouldNotBeToldIsToldAgain) {
  Threshold hot(Threshold::Side::above, 80, 75, 1);
  EXPECT_EQ(hot.look("a", 80), News::raised);
  hot.take_back("a", News::raised);
  EXPECT_EQ(hot.look("a", 81), News::raised);
  EXPECT_EQ(hot.look("a", 70), News::over);
  hot.take_back("a", News::over);
  EXPECT_EQ(hot.look("a", 70), News::over);
  EXPECT_EQ(hot.look("a", 80), News::raised);
  EXPECT_EQ(hot.look("b", 80), News::raised);
  EXPECT_EQ(hot.look("b", 80), News::raised);
}

// Claim:  an alert says what it is of, the number and the limit, in JSON and in a header; a body without the number is
//         no news, one that is no JSON object an error.
// Method: readings of two devices on one topic; bodies of each kind.
TEST(AlertRules, SayWhatTheyAreOf) {
  AlertRule rule(
      {.name = "hot", .field = "temp", .by = "device.id", .topic = "alerts.hot", .limit = 80, .until = 75});
  const auto look = [&](std::string_view body) {
    Message message;
    const auto bytes = std::as_bytes(std::span(body));
    message.body.assign(bytes.begin(), bytes.end());
    return rule.look("plant.7", message);
  };
  const auto alert = look(R"({"temp": 80.5, "device": {"id": 7}})");
  ASSERT_TRUE(alert && *alert);
  const Message& told = (**alert).message;
  EXPECT_EQ(
      std::string(reinterpret_cast<const char*>(told.body.data()), told.body.size()),
      R"({"alert":"hot","state":"raised","of":"7","field":"temp","value":80.5,"limit":80,"topic":"plant.7"})");
  EXPECT_EQ(told.topic, "alerts.hot");
  EXPECT_EQ(told.key, "7");
  EXPECT_EQ(told.headers.at(0).second, "raised");
  EXPECT_TRUE(*look(R"({"temp": 81, "device": {"id": 8}})"));
  for (const std::string_view body :
       {R"({"temp": 99, "device": {"id": 7}})", R"({"temp": "warm"})", R"({"temp": null})", "{}"}) {
    const auto none = look(body);
    EXPECT_TRUE(none && !*none) << body;
  }
  EXPECT_FALSE(look("temp"));
  EXPECT_EQ((**look(R"({"temp": 7, "device": {"id": 7}})")).news, News::over);
}

}  // namespace
}  // namespace headrace::program
