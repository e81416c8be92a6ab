#include <gtest/gtest.h>

#include "mosquitto.hpp"
#include "mqtt_world.hpp"

namespace headrace::mqtt {
namespace {

using test::Collector;
using test::Confirms;
using test::message_of;

// Claim:  a message that is to be retained comes to those who subscribe later, who can see that it was; those who were
//         there get it as any other; without a body it ends the retaining. One sink sends both kinds, in both versions.
// Method: two topics, of which one is retained; a source before and one behind.
TEST(MqttRetained, LaterSubscribersGetTheLastOfATopic) {
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    const test::Mosquitto broker("allow_anonymous true\n", test::Mosquitto::Keeps::nothing);
    Collector live;
    Collector later;
    Confirms confirms;
    std::size_t sent = 0;
    const auto source =
        source_of(broker_options(broker.url(), "live", version), "a/#", live.settle(Settlement::done));
    const auto sink = sink_of(broker_options(broker.url(), "sink", version));
    const auto send = [&](const char* topic, const char* body, bool retained) {
      Message message = message_of(topic, body);
      if (retained) message.headers.emplace_back(kRetainedHeader, "true");
      ASSERT_EQ(sink->send(std::move(message), confirms.one()), SendResult::taken);
      confirms.await(++sent);
    };
    send("a/kept", "old", true);
    send("a/kept", "kept", true);
    send("a/other", "other", false);
    live.await(3);
    for (const ReceivedMessage& each : live.take()) EXPECT_FALSE(is_retained(each.message));
    const auto late =
        source_of(broker_options(broker.url(), "late", version), "a/#", later.settle(Settlement::done));
    later.await(1);
    const auto first = later.take();
    ASSERT_EQ(first.size(), 1U);
    EXPECT_TRUE(is_retained(first[0].message));
    EXPECT_EQ(test::body_text(first[0].message), "kept");
    EXPECT_EQ(first[0].message.headers.size(), 1U);
    send("a/kept", "", true);
    Collector none;
    const auto last =
        source_of(broker_options(broker.url(), "last", version), "a/#", none.settle(Settlement::done));
    send("a/other", "marker", false);
    none.await(1);
    EXPECT_EQ(none.bodies(), std::set<std::string>{"marker"});
  }
}

// Claim:  with MQTT 5 a source says when retained messages are to come: at each connection, with a new session, or never.
// Method: a retained message; for each way a source that connects, stops, and connects again; a marker behind each.
TEST(MqttRetained, SourceSaysWhenTheyCome) {
  const test::Mosquitto broker("allow_anonymous true\n", test::Mosquitto::Keeps::nothing);
  Confirms confirms;
  std::size_t sent = 0;
  const auto sink = sink_of(broker_options(broker.url(), "sink"));
  const auto send = [&](const char* body, bool retained) {
    Message message = message_of(retained ? "a/kept" : "a/other", body);
    if (retained) message.headers.emplace_back(kRetainedHeader, "true");
    ASSERT_EQ(sink->send(std::move(message), confirms.one()), SendResult::taken);
    confirms.await(++sent);
  };
  send("kept", true);
  const std::pair<RetainedMessages, int> table[] = {
      {RetainedMessages::always, 2}, {RetainedMessages::with_new_session, 1}, {RetainedMessages::never, 0}};
  for (const auto& [when, times] : table) {
    Collector got;
    for (const char* marker : {"one", "two"}) {
      MqttSourceOptions options;
      options.broker = broker_options(broker.url(), "source" + std::to_string(times));
      options.filters = {"a/#"};
      options.retained = when;
      MqttSource source(std::move(options));
      ASSERT_TRUE(source.start(got.settle(Settlement::done)));
      test::yield_until([&] { return source.health().state == AdapterState::up; });
      send(marker, false);
      test::yield_until([&] { return got.bodies().contains(marker); });
      EXPECT_EQ(source.stop(std::chrono::hours(1)), 0U);
    }
    EXPECT_EQ(copies_of(got.take())["kept"], times);
  }
}

}  // namespace
}  // namespace headrace::mqtt
