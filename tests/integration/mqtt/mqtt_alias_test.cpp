#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "mosquitto.hpp"
#include "mqtt_world.hpp"
#include "scripted_server.hpp"

namespace headrace::mqtt {
namespace {

using test::Collector;
using test::Confirms;
using test::message_of;

const std::string kLongTopic = "plant/north/press/7/temperature";

/// A PUBLISH of QoS 0 with a topic and, unless 0, its alias.
std::string aliased_publish(const std::string& topic, unsigned alias, const std::string& body) {
  std::string packet;
  packet += '\0';
  packet += static_cast<char>(topic.size());
  packet += topic;
  packet += std::string("\3\x23\0", 3);
  packet += static_cast<char>(alias);
  packet += body;
  return '\x30' + std::string(1, static_cast<char>(packet.size())) + packet;
}

// Claim:  a sink sends a topic once and then its number, if the broker takes numbers; after another connection it sends
//         the topic again.
// Method: a broker that keeps to a script, says that it takes one number, and hears three messages, and one more behind a
//         cut; the topics are counted.
TEST(MqttAlias, TopicIsSentOncePerConnection) {
  const std::string welcome("\x20\x06\x00\x00\x03\x22\x00\x01", 8);
  test::ScriptedServer broker({welcome});
  test::FaultProxy proxy(broker.port());
  Confirms confirms;
  const auto sink = sink_of(broker_options(url_of(proxy), "sink"));
  const auto send = [&](const char* body) {
    ASSERT_EQ(sink->send(message_of(kLongTopic, body), confirms.one()), SendResult::taken);
  };
  const auto topics_in = [](const std::string& heard) {
    std::size_t count = 0;
    for (auto at = heard.find(kLongTopic); at != std::string::npos; at = heard.find(kLongTopic, at + 1)) ++count;
    return count;
  };
  for (const char* body : {"first", "second", "third"}) send(body);
  EXPECT_EQ(topics_in(broker.until_heard(0, "third")), 1U);
  proxy.cut();
  EXPECT_EQ(topics_in(broker.until_heard(1, "third")), 1U);
}

// Claim:  mosquitto understands the numbers: each message reaches its own topic, with more topics than numbers, and after
//         another connection.
// Method: forty topics in an order that gives numbers up and takes them again; a cut in the middle.
TEST(MqttAlias, RealBrokerUnderstandsThem) {
  const test::Mosquitto broker("allow_anonymous true\n", test::Mosquitto::Keeps::nothing);
  test::FaultProxy proxy(broker.port());
  Collector got;
  Confirms confirms;
  const auto source = source_of(broker_options(broker.url(), "source"), "plant/#", got.settle(Settlement::done));
  const auto sink = sink_of(broker_options(url_of(proxy), "sink"));
  constexpr std::size_t kMessages = 400;
  for (std::size_t i = 0; i < kMessages; ++i) {
    const std::string topic = "plant/" + std::to_string(i * i % 40);
    ASSERT_EQ(sink->send(message_of(topic, topic + " " + std::to_string(i)), confirms.one()), SendResult::taken);
    if (i == kMessages / 2) proxy.cut();
  }
  got.await_different(kMessages);
  confirms.await(kMessages);
  for (const ReceivedMessage& each : got.take()) {
    const std::string body = test::body_text(each.message);
    EXPECT_EQ(each.message.topic, body.substr(0, body.find(' ')));
  }
}

// Claim:  a source takes numbers for topics; one that the broker never gave a topic, or above what it was told, ends the
//         connection with a reason and nothing else.
// Method: a broker that keeps to a script.
TEST(MqttAlias, SourceTakesNumbersAndRefusesWrongOnes) {
  const std::string welcome("\x20\x03\x00\x00\x00", 5);
  const std::string subscribed("\x90\x04\x00\x01\x00\x00", 6);
  test::ScriptedServer broker(
      {welcome, subscribed + aliased_publish(kLongTopic, 100, "first") + aliased_publish("", 100, "second")});
  Collector got;
  const auto source = source_of(broker_options("mqtt://127.0.0.1:" + std::to_string(broker.port()), "source"), "#",
                                got.settle(Settlement::done), Qos::at_most_once);
  got.await(2);
  for (const ReceivedMessage& each : got.take()) EXPECT_EQ(each.message.topic, kLongTopic);
  for (const auto& [topic, alias] :
       std::vector<std::pair<std::string, unsigned>>{{kLongTopic, 101}, {"", 7}, {"a", 0}}) {
    std::mutex mutex;
    std::string said;
    test::ScriptedServer hostile({welcome, subscribed + aliased_publish(topic, alias, "bad")});
    MqttSourceOptions options;
    options.broker = broker_options("mqtt://127.0.0.1:" + std::to_string(hostile.port()), "source");
    options.broker.on_health = [&](const Health& health) {
      const std::scoped_lock lock(mutex);
      said += health.reason;
    };
    options.filters = {"#"};
    MqttSource refuses(std::move(options));
    ASSERT_TRUE(refuses.start(got.keep()));
    test::yield_until([&] {
      const std::scoped_lock lock(mutex);
      return said.find("alias") != std::string::npos;
    });
    EXPECT_EQ(got.kept(), 0U);
  }
}

}  // namespace
}  // namespace headrace::mqtt
