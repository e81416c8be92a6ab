#include "timestamp.hpp"

#include <gtest/gtest.h>

namespace headrace::program {
namespace {

/// Nanoseconds since the epoch, or -1 when it is not a time.
std::int64_t ns(std::string_view format, std::string_view text) {
  const auto parsed = TimeFormat::parse(format);
  EXPECT_TRUE(parsed) << parsed.problem;
  const auto time = parsed.value->read(text);
  return time ? time->time_since_epoch().count() : -1;
}

constexpr std::int64_t kSecond = 1'000'000'000;

// Claim:  ISO 8601 with date, time, fraction and zone in the forms that data has.
// Method: the same moment written in different ways (checked with `date -d`), and non-times.
TEST(TimeFormat, ReadsIso8601) {
  const std::int64_t moment = 1425702201 * kSecond;  // 2015-03-07T04:23:21Z
  EXPECT_EQ(ns("iso8601", "2015-03-07T04:23:21Z"), moment);
  EXPECT_EQ(ns("iso8601", "2015-03-07 04:23:21"), moment);
  EXPECT_EQ(ns("iso8601", "2015-03-07T05:23:21+01:00"), moment);
  EXPECT_EQ(ns("iso8601", "2015-03-06T20:23:21-0800"), moment);
  EXPECT_EQ(ns("iso8601", "2015-03-07T04:23:21.890Z"), moment + 890'000'000);
  EXPECT_EQ(ns("iso8601", "2015-03-07"), 1425686400 * kSecond);
  for (const char* no :
       {"", "2015", "2015-02-30", "2015-03-07T25:00:00", "2015-03-07T04:23:21Zx", "1600-01-01", "x"}) {
    EXPECT_EQ(ns("iso8601", no), -1) << no;
  }
}

// Claim:  epochs in four units, whole ones exact to the last digit.
// Method: one moment in each unit, fractions, and values out of range.
TEST(TimeFormat, ReadsEpochs) {
  EXPECT_EQ(ns("epoch_s", "1425702201"), 1425702201 * kSecond);
  EXPECT_EQ(ns("epoch_s", "1.5"), 1'500'000'000);
  EXPECT_EQ(ns("epoch_ms", "1517966773840"), 1517966773840 * 1'000'000);
  EXPECT_EQ(ns("epoch_ns", "1517966773840123457"), 1517966773840123457);
  for (const char* no : {"", "1e30", "nan", "12x"}) EXPECT_EQ(ns("epoch_s", no), -1) << no;
}

// Claim:  a pattern reads what it describes and nothing else.
// Method: a date as spreadsheets write it, a month by name, a zone.
TEST(TimeFormat, ReadsPatterns) {
  EXPECT_EQ(ns("%m/%d/%Y %H:%M", "12/1/2010 8:26"), 1291191960 * kSecond);
  EXPECT_EQ(ns("%d %b %Y %H:%M:%S.%f %z", "07 Mar 2015 05:23:21.5 +01:00"), 1425702201 * kSecond + kSecond / 2);
  EXPECT_EQ(ns("%Y/%m/%d", "2015/13/01"), -1);
  EXPECT_EQ(ns("%Y/%m/%d", "2015/12/01 "), -1);
  EXPECT_FALSE(TimeFormat::parse("%Y-%q"));
  EXPECT_FALSE(TimeFormat::parse("iso8602"));
}

}  // namespace
}  // namespace headrace::program
