#include "subscription_work.hpp"

#include <gtest/gtest.h>

#include "collect.hpp"

namespace headrace::program {
namespace {

struct Sent final : Forwarding {
  std::vector<std::string> topics;
  std::uint32_t hops = 0;
  bool takes = true;
  bool publish(std::string_view topic, Record record) override {
    topics.emplace_back(topic);
    hops = record.hops();
    return takes;
  }
};

template <class Language>
Language parsed(std::string_view text, FieldTable& mentioned) {
  auto result = Language::parse(text, mentioned);
  EXPECT_TRUE(result) << result.problem;
  return std::move(*result.value);
}

// Claim:  workers count apart, and the total adds up over them.
// Method: two workers, two values.
TEST(SubscriptionWork, TotalsAddUpOverWorkers) {
  FieldTable mentioned;
  SubscriptionConfig config;
  config.name = "s";
  config.count_by = parsed<TextTemplate>("{v}", mentioned);
  config.forward = parsed<TopicTemplate>("out/{v}", mentioned);
  Console console;
  console.be_quiet();
  SubscriptionWork work(config, 2, console, nullptr);
  const OneRecord a(mentioned, {{"v", "a"}});
  const OneRecord b(mentioned, {{"v", "b"}});
  const OneRecord nothing(mentioned, {{"v", ""}});
  Sent sent;
  work.handle(a.record, "t", 0, sent);
  work.handle(a.record, "t", 1, sent);
  work.handle(b.record, "t", 1, sent);
  work.handle(nothing.record, "t", 1, sent);
  EXPECT_EQ(work.total().counts, (std::map<std::string, std::uint64_t, std::less<>>{{"a", 2}, {"b", 1}, {"", 1}}));
  EXPECT_EQ(sent.topics, (std::vector<std::string>{"out/a", "out/a", "out/b"}));
  EXPECT_EQ(sent.hops, 1U);
  EXPECT_EQ(work.total().forwarded, 3U);
  EXPECT_EQ(work.total().forwards_refused, 1U);
  sent.takes = false;
  work.handle(a.record, "t", 0, sent);
  EXPECT_EQ(work.total().forwards_refused, 2U);
}

// Claim:  the values of count_by are bounded; what comes beyond is counted together.
// Method: more values than the bound.
TEST(SubscriptionWork, CountsAreBounded) {
  FieldTable mentioned;
  SubscriptionConfig config;
  config.count_by = parsed<TextTemplate>("{v}", mentioned);
  Console console;
  SubscriptionWork work(config, 1, console, nullptr);
  Sent sent;
  for (std::size_t i = 0; i < SubscriptionWork::kCountsMax + 5; ++i) {
    work.handle(OneRecord(mentioned, {{"v", std::to_string(i)}}).record, "t", 0, sent);
  }
  EXPECT_EQ(work.total().counts.size(), SubscriptionWork::kCountsMax);
  EXPECT_EQ(work.total().counts_beyond, 5U);
}

// Claim:  a record that has been forwarded too often is refused with an exception, which the bus counts as failed.
// Method: a record with as many hops as there may be.
TEST(SubscriptionWork, EndlessForwardingThrows) {
  FieldTable mentioned;
  SubscriptionConfig config;
  config.forward = parsed<TopicTemplate>("out", mentioned);
  Console console;
  SubscriptionWork work(config, 1, console, nullptr);
  Sent sent;
  const OneRecord one(mentioned, {{"v", "a"}});
  Record record = one.record;
  for (std::uint32_t hop = 0; hop < SubscriptionWork::kHopsMax; ++hop) {
    work.handle(record, "t", 0, sent);
    record = record.forwarded();
  }
  EXPECT_THROW(work.handle(record, "t", 0, sent), std::runtime_error);
}

}  // namespace
}  // namespace headrace::program
