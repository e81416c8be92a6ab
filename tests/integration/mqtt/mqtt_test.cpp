#include <gtest/gtest.h>

#include <mutex>

#include "../../conformance/adapter/collector.hpp"
#include "gate.hpp"
#include "headrace/mqtt/mqtt_sink.hpp"
#include "headrace/mqtt/mqtt_source.hpp"
#include "mosquitto.hpp"

namespace headrace::mqtt {
namespace {

using namespace test;

MqttOptions broker_options(const Mosquitto& broker, std::string client_id, MqttVersion version = MqttVersion::v5) {
  MqttOptions options;
  options.url = broker.url();
  options.client_id = std::move(client_id);
  options.version = version;
  return options;
}

std::unique_ptr<MqttSource> source_of(const Mosquitto& broker, std::string id, std::string filter, Collector& got,
                                      MqttVersion version = MqttVersion::v5, Qos qos = Qos::at_least_once) {
  MqttSourceOptions options;
  options.broker = broker_options(broker, std::move(id), version);
  options.filters = {std::move(filter)};
  options.qos = qos;
  auto source = std::make_unique<MqttSource>(std::move(options));
  EXPECT_TRUE(source->start(got.settle(Settlement::done)));
  yield_until([&] { return source->health().state == AdapterState::up; });
  return source;
}

std::unique_ptr<MqttSink> sink_of(const Mosquitto& broker, MqttVersion version = MqttVersion::v5,
                                  Qos qos = Qos::at_least_once) {
  MqttSinkOptions options;
  options.broker = broker_options(broker, "sink", version);
  options.qos = qos;
  auto sink = std::make_unique<MqttSink>(std::move(options));
  EXPECT_TRUE(sink->start());
  return sink;
}

// Claim:  both versions of the protocol and every QoS carry messages.
// Method: a hundred messages in each of the six ways.
TEST(Mqtt, EveryVersionAndQosCarriesMessages) {
  const Mosquitto broker;
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    for (const Qos qos : {Qos::at_most_once, Qos::at_least_once, Qos::exactly_once}) {
      Collector got;
      Confirms confirms;
      const auto source = source_of(broker, "source", "a/+", got, version, qos);
      const auto sink = sink_of(broker, version, qos);
      for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(sink->send(message_of("a/b", std::to_string(i)), confirms.one()), SendResult::taken);
      }
      confirms.await(100);
      got.await_different(100);
      EXPECT_EQ(confirms.failed(), 0U);
      EXPECT_EQ(source->stop(std::chrono::hours(1)), 0U);
    }
  }
}

// Claim:  sources that share a subscription share the messages: each goes to one of them.
// Method: two sources of a group, two hundred messages.
TEST(Mqtt, SharedSubscriptionsShareTheWork) {
  const Mosquitto broker;
  Collector one;
  Collector two;
  const auto first = source_of(broker, "first", "$share/g/a/#", one);
  const auto second = source_of(broker, "second", "$share/g/a/#", two);
  const auto sink = sink_of(broker);
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(sink->send(message_of("a/b", std::to_string(i)), nullptr), SendResult::taken);
  }
  yield_until([&] { return one.kept() + two.kept() >= 200; });
  EXPECT_EQ(one.kept() + two.kept(), 200U);
  EXPECT_GT(one.kept(), 0U);
  EXPECT_GT(two.kept(), 0U);
}

// Claim:  what no publisher may send, and what MQTT 3.1.1 cannot carry, is answered with an error and holds up
// nobody. Method: bad messages before a good one.
TEST(Mqtt, BadMessagesAreAnswered) {
  const Mosquitto broker;
  Collector got;
  const auto source = source_of(broker, "source", "a/#", got, MqttVersion::v311);
  const auto sink = sink_of(broker, MqttVersion::v311);
  Confirms confirms;
  Message with_header = message_of("a/b", "x");
  with_header.headers = {{"a", "b"}};
  ASSERT_EQ(sink->send(std::move(with_header), confirms.one()), SendResult::taken);
  for (const std::string topic : {"a/+", "a/#", ""}) {
    ASSERT_EQ(sink->send(message_of(topic, "x"), confirms.one()), SendResult::taken);
  }
  ASSERT_EQ(sink->send(message_of("a/b", "good"), confirms.one()), SendResult::taken);
  confirms.await(5);
  EXPECT_EQ(confirms.failed(), 4U);
  got.await_different(1);
  EXPECT_EQ(got.bodies(), std::set<std::string>{"good"});
}

// Claim:  wrong credentials give up, say so, and are in no message.
// Method: a broker that knows nobody; everything that the adapter says.
TEST(Mqtt, WrongCredentialsGiveUpAndStaySecret) {
  const Mosquitto broker("allow_anonymous false\n");
  std::mutex mutex;
  std::string said;
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    MqttSourceOptions options;
    options.broker = broker_options(broker, "source", version);
    options.broker.user = "user";
    options.broker.password = "canary-4711";
    options.broker.on_health = [&](const Health& health) {
      const std::scoped_lock lock(mutex);
      said += health.reason + "\n";
    };
    options.filters = {"#"};
    MqttSource source(std::move(options));
    ASSERT_TRUE(source.start([](Delivery&&) {}));
    yield_until([&] { return source.health().state == AdapterState::gave_up; });
    EXPECT_FALSE(source.health().reason.empty());
  }
  EXPECT_EQ(said.find("canary"), std::string::npos) << said;
}

}  // namespace
}  // namespace headrace::mqtt
