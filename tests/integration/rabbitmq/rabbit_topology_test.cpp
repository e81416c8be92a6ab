#include "rabbit_world.hpp"

namespace headrace::rabbitmq {
namespace {

using std::chrono::milliseconds;
using test::message_of;

// Claim:  exchanges route by their type.
// Method: one exchange of each of three types with two queues; what reaches which.
TEST(RabbitTopology, ExchangesRouteByTheirType) {
  const struct {
    ExchangeType type;
    std::string_view name;
    std::string_view first_key;
    std::string_view second_key;
    std::set<std::string> to_first;
    std::set<std::string> to_second;
  } table[] = {{ExchangeType::direct, "direct", "a.b", "a.c", {"a.b"}, {"a.c"}},
               {ExchangeType::topic, "topic", "a.*", "#", {"a.b", "a.c"}, {"a.b", "a.c", "x"}},
               {ExchangeType::fanout, "fanout", "", "", {"a.b", "a.c", "x"}, {"a.b", "a.c", "x"}}};
  for (const auto& row : table) {
    const std::string exchange = "route-" + std::string(row.name);
    Topology topology;
    topology.exchanges = {{exchange, row.type}};
    for (const std::string_view end : {"1", "2"}) {
      Topology queue = Topology::queue_with_dead_letters(exchange + std::string(end));
      topology.queues.insert(topology.queues.end(), queue.queues.begin(), queue.queues.end());
    }
    topology.bindings = {{exchange, exchange + "1", std::string(row.first_key)},
                         {exchange, exchange + "2", std::string(row.second_key)}};
    test::Collector first;
    test::Collector second;
    const auto from_first =
        test::rabbit_source(test::source_of(exchange + "1", topology), first.settle(Settlement::done));
    const auto from_second =
        test::rabbit_source(test::source_of(exchange + "2", topology), second.settle(Settlement::done));
    RabbitSinkOptions options = test::sink_to(exchange, topology);
    options.unroutable = Unroutable::drop;
    const auto sink = test::rabbit_sink(std::move(options));
    for (const std::string key : {"a.b", "a.c", "x"})
      EXPECT_TRUE(test::send_and_wait(*sink, message_of(key, key)));
    first.await(row.to_first.size());
    second.await(row.to_second.size());
    EXPECT_EQ(first.bodies(), row.to_first) << exchange;
    EXPECT_EQ(second.bodies(), row.to_second) << exchange;
  }
}

// Claim:  a message that no queue takes is an error of its own, and others around it are not touched.
// Method: a hundred messages without waiting, every third to nowhere; which were answered with what. Then the same
//         message where it may be dropped.
TEST(RabbitTopology, UnroutableMessageIsAnsweredWithAnError) {
  const Topology topology = Topology::queue_with_dead_letters("known");
  const auto sink = test::rabbit_sink(test::sink_to("", topology));
  test::Confirms known;
  test::Confirms unknown;
  for (int i = 0; i < 100; ++i) {
    const bool lost = i % 3 == 0;
    ASSERT_EQ(sink->send(message_of(lost ? "unknown" : "known", "x"), (lost ? unknown : known).one()),
              SendResult::taken);
  }
  EXPECT_EQ(sink->stop(std::chrono::hours(1)), 0U);
  EXPECT_EQ(known.confirmed(), 66U);
  EXPECT_EQ(known.failed(), 0U);
  EXPECT_EQ(unknown.failed(), 34U);
  EXPECT_EQ(unknown.confirmed(), 0U);
  RabbitSinkOptions dropping = test::sink_to("", topology);
  dropping.unroutable = Unroutable::drop;
  EXPECT_TRUE(test::send_and_wait(*test::rabbit_sink(std::move(dropping)), message_of("unknown", "x")));
}

// Claim:  a message that the server refuses is answered with an error that a retry may help.
// Method: a queue that holds two and refuses more.
TEST(RabbitTopology, RefusedMessageIsAnsweredWithAnError) {
  Topology topology = Topology::queue_with_dead_letters("full");
  topology.queues.back().messages_max = 2;
  topology.queues.back().overflow = Overflow::reject_publish;
  const auto sink = test::rabbit_sink(test::sink_to("", topology));
  EXPECT_TRUE(test::send_and_wait(*sink, message_of("full", "1")));
  EXPECT_TRUE(test::send_and_wait(*sink, message_of("full", "2")));
  const Status answer = test::send_and_wait(*sink, message_of("full", "3"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().retry, Error::Retry::maybe);
}

// Claim:  what is there with other properties, or is not there at all, gives up and says why.
// Method: a queue declared as classic, then as quorum; a queue and an exchange that nobody declared.
TEST(RabbitTopology, WhatCannotBeGivesUp) {
  const auto first = test::rabbit_sink(test::sink_to("", Topology::queue_with_dead_letters("typed")));
  ASSERT_EQ(first->health().state, AdapterState::up);
  const auto second =
      test::rabbit_sink(test::sink_to("", Topology::queue_with_dead_letters("typed", QueueType::quorum)));
  EXPECT_EQ(second->health().state, AdapterState::gave_up);
  EXPECT_NE(second->health().reason.find("declaring queue typed"), std::string::npos) << second->health().reason;
  EXPECT_NE(second->health().reason.find("406"), std::string::npos) << second->health().reason;
  const auto third = test::rabbit_source(test::source_of("nowhere", {}), [](ReceivedMessage&&) {});
  EXPECT_EQ(third->health().state, AdapterState::gave_up);
  EXPECT_NE(third->health().reason.find("404"), std::string::npos) << third->health().reason;
  const auto fourth = test::rabbit_sink(test::sink_to("no-exchange", {}));
  EXPECT_EQ(fourth->health().state, AdapterState::gave_up);
}

// Claim:  mistakes in options are found by start(), before any connection.
// Method: a table.
TEST(RabbitTopology, OptionsAreLookedAtFirst) {
  std::vector<std::pair<RabbitSourceOptions, std::string>> table(4);
  table[0].second = "rabbitmq source: the queue's name must have 1 to 255 bytes";
  table[1].first.queue = "q";
  table[1].first.topology.queues.emplace_back().name = "q";
  table[1].second =
      "rabbitmq source: the queue has no dead letters, so that rejected messages would be lost; give it some, or "
      "say "
      "Rejected::drop: q";
  table[2].first.queue = "q";
  table[2].first.topology.queues = {{.name = "q", .dead_letters = DeadLetterTarget{}, .delivery_limit = 3}};
  table[2].second = "rabbitmq topology: a delivery limit needs a quorum queue: q";
  table[3].first.queue = "q";
  table[3].first.unsettled_max = 70'000;
  table[3].second = "rabbitmq source: unsettled_max must be 1 to 65535";
  for (auto& [options, message] : table) {
    RabbitSource source(std::move(options));
    const Status started = source.start([](ReceivedMessage&&) {});
    ASSERT_FALSE(started) << message;
    EXPECT_EQ(started.error().message(), message);
  }
}

}  // namespace
}  // namespace headrace::rabbitmq
