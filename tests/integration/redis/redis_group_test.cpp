#include <gtest/gtest.h>

#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "../../conformance/adapter/collector.hpp"
#include "fault_proxy.hpp"
#include "gate.hpp"
#include "headrace/redis/redis_source.hpp"
#include "redis_server.hpp"

namespace headrace::redis {
namespace {

using std::chrono::milliseconds;
using test::ask;
using test::Collector;
using test::RedisServer;

constexpr std::string_view kDayMs = "86400000";

/// A consumer of the stream `jobs`, which looks for entries of the dead after so long.
std::unique_ptr<RedisSource> consumer(const std::string& url, std::string name, Source::Deliver deliver,
                                      milliseconds take_over_after, std::size_t unsettled_max = 1'000) {
  RedisSourceOptions options;
  options.server.url = url;
  options.server.backoff = {milliseconds(1), milliseconds(2)};
  options.stream = "jobs";
  options.group = "workers";
  options.consumer = std::move(name);
  options.take_over_after = take_over_after;
  options.unsettled_max = unsettled_max;
  auto source = std::make_unique<RedisSource>(std::move(options));
  EXPECT_TRUE(source->start(std::move(deliver)));
  return source;
}

std::string told(const RedisServer& server, const std::string& command) {
  const std::string answer = ask(server.port(), command + "\r\n");
  EXPECT_FALSE(answer.empty() || answer.starts_with("-")) << command << ": " << answer;
  return answer;
}
std::size_t length_of(const RedisServer& server, const std::string& stream) {
  const std::string answer = told(server, "XLEN " + stream);
  std::size_t length = 0;
  std::from_chars(answer.data() + 1, answer.data() + answer.size(), length);
  return length;
}
/// Whether that consumer holds an entry which has been idle for a day or more.
bool idle_for_a_day(const RedisServer& server, const std::string& name) {
  return told(server, "XPENDING jobs workers IDLE " + std::string(kDayMs) + " - + 9 " + name)
      .starts_with("*1\r\n");
}
bool holds_one(const RedisServer& server, const std::string& name) {
  return told(server, "XPENDING jobs workers - + 9 " + name).starts_with("*1\r\n");
}

// Claim:  an entry whose handler runs for longer than other consumers wait is not taken over while its own consumer lives,
//         and is when that has gone.
// Method: a consumer without room for more, whose entry the server is told to have been idle for a day; it says that it
//         has it still. Another consumer, which waits an hour, gets the next entry, and the first one only after the death.
TEST(RedisGroup, EntryOfALivingConsumerIsNotTakenOver) {
  const RedisServer server;
  Collector slow;
  auto living = consumer(server.url(), "living", slow.keep(), milliseconds(1), 1);
  told(server, "XADD jobs 1-1 body slow");
  slow.await(1);
  told(server, "XCLAIM jobs workers living 0 1-1 IDLE " + std::string(kDayMs) + " JUSTID");
  test::yield_until([&] { return !idle_for_a_day(server, "living"); });
  {
    Collector next;
    const auto other = consumer(server.url(), "other", next.settle(Settlement::done), std::chrono::hours(1));
    told(server, "XADD jobs 2-1 body next");
    next.await(1);
    EXPECT_EQ(next.bodies(), (std::set<std::string>{"next"}));
    EXPECT_EQ(other->stop(std::chrono::hours(1)), 0U);
  }
  EXPECT_TRUE(holds_one(server, "living"));
  EXPECT_EQ(living->stop(milliseconds(0)), 1U);
  told(server, "XCLAIM jobs workers living 0 1-1 IDLE " + std::string(kDayMs) + " JUSTID");
  Collector heir;
  const auto other = consumer(server.url(), "other", heir.settle(Settlement::done), std::chrono::hours(1));
  heir.await(1);
  EXPECT_EQ(heir.bodies(), (std::set<std::string>{"slow"}));
}

// Claim:  a consumer that was away for too long does not take back what another one has taken over; of an entry that both
//         reject there is one dead letter.
// Method: a consumer with two entries and no room; one is given to another consumer by hand, the other is said to be idle,
//         and then not any more, twice: it has told the server what it has. Both reject the first one.
TEST(RedisGroup, EntryThatWasTakenOverStaysThere) {
  const RedisServer server;
  Collector first;
  const auto late = consumer(server.url(), "late", first.keep(), milliseconds(1), 2);
  told(server, "XADD jobs 1-1 body job");
  told(server, "XADD jobs 2-1 body other");
  first.await(2);
  auto kept = first.take();
  told(server, "XCLAIM jobs workers heir 0 1-1 JUSTID");
  for (int i = 0; i < 2; ++i) {
    told(server, "XCLAIM jobs workers late 0 2-1 IDLE " + std::string(kDayMs) + " JUSTID");
    test::yield_until([&] { return !idle_for_a_day(server, "late"); });
  }
  ASSERT_TRUE(holds_one(server, "heir"));
  Collector second;
  const auto heir = consumer(server.url(), "heir", second.settle(Settlement::reject), std::chrono::hours(1));
  second.await(1);
  test::yield_until([&] { return length_of(server, "jobs.dead") == 1; });
  kept[0].settle(Settlement::reject);
  kept[1].settle(Settlement::done);
  EXPECT_EQ(late->stop(std::chrono::hours(1)), 0U);
  EXPECT_EQ(heir->stop(std::chrono::hours(1)), 0U);
  EXPECT_EQ(length_of(server, "jobs.dead"), 1U);
}

// Claim:  of each rejected entry there is one dead letter, and it is not pending any more, wherever the connection breaks.
// Method: a consumer that rejects all; its connection is reset behind so many bytes, further on each time: within what it
//         says first, within the rejection and behind it.
TEST(RedisGroup, RejectedOnceWhereverTheConnectionBreaks) {
  const RedisServer server;
  test::FaultProxy proxy(server.port());
  Collector got;
  const auto source = consumer("redis://127.0.0.1:" + std::to_string(proxy.port()), "one",
                               got.settle(Settlement::reject), std::chrono::hours(1));
  std::size_t entries = 0;
  for (std::size_t bytes = 20; bytes < 1'600; bytes += 13) {
    const std::size_t before = proxy.connections();
    proxy.reset_after(bytes);
    proxy.cut();
    test::yield_until([&] { return proxy.connections() > before; });
    told(server, "XADD jobs * body " + std::to_string(entries++));
    test::yield_until(
        [&] { return proxy.connections() > before + 1 || length_of(server, "jobs.dead") == entries; });
    proxy.reset_after(test::FaultProxy::npos);
    proxy.cut();
    test::yield_until([&] { return length_of(server, "jobs.dead") >= entries; });
  }
  EXPECT_EQ(source->stop(std::chrono::hours(1)), 0U);
  EXPECT_EQ(length_of(server, "jobs.dead"), entries);
  EXPECT_TRUE(told(server, "XPENDING jobs workers").starts_with("*4\r\n:0"));
  Collector dead;
  RedisSourceOptions letters;
  letters.server.url = server.url();
  letters.stream = "jobs.dead";
  letters.consumer = "one";
  RedisSource reader(std::move(letters));
  ASSERT_TRUE(reader.start(dead.settle(Settlement::done)));
  dead.await_different(entries);
  EXPECT_EQ(dead.take().size(), entries);
}

}  // namespace
}  // namespace headrace::redis
