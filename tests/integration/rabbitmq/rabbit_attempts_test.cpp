#include <map>

#include "rabbit_world.hpp"

namespace headrace::rabbitmq {
namespace {

using std::chrono::milliseconds;
using test::message_of;

// Claim:  a message that comes back by dead-lettering knows its attempt, and its topic is as it was.
// Method: a queue whose rejected messages wait in another, expire there, and come back; the third attempt is done.
TEST(RabbitAttempts, AreCountedOverDeadLettering) {
  Topology topology;
  topology.exchanges = {{"retry-wait", ExchangeType::fanout}, {"retry-again", ExchangeType::fanout}};
  topology.queues = {{.name = "retry", .dead_letters = DeadLetterTarget{"retry-wait", ""}},
                     {.name = "retry-later",
                      .dead_letters = DeadLetterTarget{"retry-again", ""},
                      .message_ttl = milliseconds(1)}};
  topology.bindings = {{"retry-wait", "retry-later", ""}, {"retry-again", "retry", ""}};
  test::Collector got;
  const auto source =
      test::rabbit_source(test::source_of("retry", topology), [&, keep = got.keep()](ReceivedMessage&& delivery) {
        delivery.settle(delivery.attempt < 3 ? Settlement::reject : Settlement::done);
        keep(std::move(delivery));
      });
  RabbitSinkOptions options = test::sink_to("retry-again", topology);
  const auto sink = test::rabbit_sink(std::move(options));
  EXPECT_TRUE(test::send_and_wait(*sink, message_of("orders.placed", "x")));
  got.await(3);
  const auto all = got.take();
  ASSERT_EQ(all.size(), 3U);
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_EQ(all[i].attempt, i + 1);
    EXPECT_EQ(all[i].redelivered, i > 0);
    EXPECT_EQ(all[i].message.topic, "orders.placed");
  }
}

// Claim:  a quorum queue's own count is the attempt, and beyond its limit the message is a dead letter.
// Method: a limit of two; every delivery is retried.
TEST(RabbitAttempts, QuorumQueueCountsAndLimitsThem) {
  Topology topology = Topology::queue_with_dead_letters("counted", QueueType::quorum);
  topology.queues.back().delivery_limit = 2;
  test::Collector got;
  test::Collector dead;
  const auto source = test::rabbit_source(test::source_of("counted", topology), got.settle(Settlement::retry));
  RabbitSourceOptions of_dead = test::source_of("counted.dead", topology);
  of_dead.rejected = Rejected::drop;
  const auto dead_source = test::rabbit_source(std::move(of_dead), dead.settle(Settlement::done));
  const auto sink = test::rabbit_sink(test::sink_to("", topology));
  EXPECT_TRUE(test::send_and_wait(*sink, message_of("counted", "x")));
  dead.await(1);
  const auto all = got.take();
  ASSERT_EQ(all.size(), 3U);
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(all[i].attempt, i + 1);
}

// Claim:  answers in any order acknowledge what they mean, and nothing else.
// Method: a thousand messages; all but every tenth are settled, from the last to the first, in several lots; the
//         next source gets exactly the others.
TEST(RabbitAttempts, AnswersInAnyOrderAcknowledgeTheirOwn) {
  const Topology topology = Topology::queue_with_dead_letters("any-order");
  test::Collector got;
  test::Collector rest;
  auto source = test::rabbit_source(test::source_of("any-order", topology), got.keep());
  const auto sink = test::rabbit_sink(test::sink_to("", topology));
  test::Confirms confirms;
  std::set<std::string> left;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(sink->send(message_of("any-order", std::to_string(i)), confirms.one()), SendResult::taken);
    if (i % 10 == 0) left.insert(std::to_string(i));
  }
  got.await(1000);
  auto all = got.take();
  for (std::size_t i = all.size(); i-- > 0;) {
    if (i % 10 != 0) all[i].settle(Settlement::done);
  }
  EXPECT_EQ(source->stop(milliseconds(0)), left.size());
  source = test::rabbit_source(test::source_of("any-order", topology), rest.settle(Settlement::done));
  rest.await(left.size());
  EXPECT_EQ(rest.bodies(), left);
  source->stop(milliseconds(0));
}

}  // namespace
}  // namespace headrace::rabbitmq
