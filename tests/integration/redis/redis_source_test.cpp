#include "headrace/redis/redis_source.hpp"

#include <gtest/gtest.h>

#include "../../conformance/adapter/collector.hpp"
#include "gate.hpp"
#include "headrace/redis/redis_sink.hpp"
#include "redis_server.hpp"

namespace headrace::redis {
namespace {

using namespace test;

RedisSourceOptions options_of(const RedisServer& server, std::string consumer) {
  RedisSourceOptions options;
  options.server.url = server.url();
  options.stream = "orders";
  options.consumer = std::move(consumer);
  return options;
}

void send(const RedisServer& server, std::string_view command) {
  ASSERT_FALSE(ask(server.port(), std::string(command) + "\r\n").starts_with("-")) << command;
}

// Claim:  what a consumer held when it died goes to another one after a while, and only once.
// Method: a source that is stopped with five unsettled entries; another consumer with a short patience.
TEST(RedisSource, EntriesOfADeadConsumerAreTakenOver) {
  RedisServer server;
  Collector dead;
  {
    RedisSource source(options_of(server, "dead"));
    ASSERT_TRUE(source.start(dead.keep()));
    for (int i = 0; i < 5; ++i) send(server, "XADD orders * body " + std::to_string(i));
    dead.await(5);
    EXPECT_EQ(source.stop(std::chrono::milliseconds(0)), 5U);
  }
  Collector alive;
  RedisSourceOptions options = options_of(server, "alive");
  options.take_over_after = std::chrono::milliseconds(1);
  RedisSource source(std::move(options));
  ASSERT_TRUE(source.start(alive.settle(Settlement::done)));
  alive.await_different(5);
  EXPECT_EQ(source.stop(std::chrono::hours(1)), 0U);
  for (const ReceivedMessage& delivery : alive.take()) EXPECT_TRUE(delivery.redelivered);
}

// Claim:  a slow handler's entry is not taken over by its own source.
// Method: one that is held while the source looks for entries to take over, until a later one has come.
TEST(RedisSource, DoesNotTakeOverFromItself) {
  RedisServer server;
  Collector got;
  RedisSourceOptions options = options_of(server, "one");
  options.take_over_after = std::chrono::milliseconds(1);
  RedisSource source(std::move(options));
  ASSERT_TRUE(source.start(got.keep()));
  for (int i = 0; i < 50; ++i) {
    send(server, "XADD orders * body " + std::to_string(i));
    got.await(static_cast<std::size_t>(i) + 1);
  }
  const auto all = got.take();
  EXPECT_EQ(all.size(), 50U);
}

// Claim:  entries that others wrote come as they are, and a trimmed one that was pending costs nothing.
// Method: an entry without a body; one deleted while it was held.
TEST(RedisSource, ForeignAndDeletedEntriesAreNoTrouble) {
  RedisServer server;
  Collector got;
  {
    RedisSource source(options_of(server, "one"));
    ASSERT_TRUE(source.start(got.keep()));
    send(server, "XADD orders 5-1 temp 20 unit C");
    got.await(1);
    const auto all = got.take();
    EXPECT_EQ(all[0].message.topic, "orders");
    EXPECT_EQ(all[0].message.headers,
              (std::vector<std::pair<std::string, std::string>>{{"temp", "20"}, {"unit", "C"}}));
    EXPECT_TRUE(all[0].message.body.empty());
    EXPECT_EQ(source.stop(std::chrono::milliseconds(0)), 1U);
    send(server, "XDEL orders 5-1");
  }
  RedisSource source(options_of(server, "one"));
  ASSERT_TRUE(source.start(got.settle(Settlement::done)));
  send(server, "XADD orders * body next");
  got.await(1);
  EXPECT_EQ(body_text(got.take()[0].message), "next");
  yield_until([&] { return ask(server.port(), "XPENDING orders headrace\r\n").starts_with("*4\r\n:0"); });
}

// Claim:  the reason of a rejection stands with the dead letter, whatever its size; one without a reason has none.
// Method: entries of one, one and 4,000 fields, the last two with a reason.
TEST(RedisSource, ReasonOfARejectionStandsWithTheDeadLetter) {
  RedisServer server;
  std::string large = "XADD orders 3-1 body large";
  for (int i = 0; i < 4'000; ++i) large += " f v";
  send(server, "XADD orders 1-1 body plain");
  send(server, "XADD orders 2-1 body small");
  send(server, large);
  RedisSource source(options_of(server, "one"));
  ASSERT_TRUE(source.start([](ReceivedMessage&& received) {
    const std::string body = body_text(received.message);
    body == "plain" ? received.settle(Settlement::reject) : received.settle.reject("too " + body);
  }));
  Collector dead;
  RedisSourceOptions options = options_of(server, "dead");
  options.stream = "orders.dead";
  RedisSource dead_letters(std::move(options));
  ASSERT_TRUE(dead_letters.start(dead.settle(Settlement::done)));
  dead.await(3);
  const auto all = dead.take();
  using Header = std::pair<std::string, std::string>;
  EXPECT_EQ(all[0].message.headers, (std::vector<Header>{{"redis-rejected-id", "1-1"}}));
  EXPECT_EQ(all[1].message.headers,
            (std::vector<Header>{{"redis-rejected-id", "2-1"}, {"redis-rejected-reason", "too small"}}));
  EXPECT_EQ(all[2].message.headers.back(), (Header{"redis-rejected-reason", "too large"}));
}

// Claim:  an entry with more fields than the server's scripts can pass on is rejected like any other, and is not pending
//         afterwards.
// Method: an entry of 5,000 fields, and a small one behind it; the dead stream's source.
TEST(RedisSource, AnEntryOfManyFieldsIsRejectedToo) {
  constexpr std::size_t kFields = 5'000;
  RedisServer server;
  std::string large = "XADD orders *";
  for (std::size_t i = 0; i < kFields; ++i) large += " f" + std::to_string(i) + " v";
  send(server, large);
  send(server, "XADD orders * body small");
  Collector got;
  RedisSource source(options_of(server, "one"));
  ASSERT_TRUE(source.start(got.settle(Settlement::reject)));
  Collector dead;
  RedisSourceOptions options = options_of(server, "dead");
  options.stream = "orders.dead";
  options.from_beginning = true;
  RedisSource dead_letters(std::move(options));
  ASSERT_TRUE(dead_letters.start(dead.settle(Settlement::done)));
  dead.await(2);
  const auto all = dead.take();
  ASSERT_EQ(all[0].message.headers.size(), kFields + 1);
  EXPECT_EQ(all[0].message.headers[4'999].first, "f4999");
  EXPECT_EQ(all[0].message.headers[kFields].first, "header:redis-rejected-id");
  EXPECT_EQ(body_text(all[1].message), "small");
  EXPECT_EQ(source.stop(std::chrono::hours(1)), 0U);
  EXPECT_TRUE(ask(server.port(), "XPENDING orders headrace\r\n").starts_with("*4\r\n:0"));
  EXPECT_EQ(got.take().size(), 2U);
}

}  // namespace
}  // namespace headrace::redis
