#include <gtest/gtest.h>

#include "mosquitto.hpp"
#include "mqtt_world.hpp"

namespace headrace::mqtt {
namespace {

using test::Collector;
using test::Confirms;
using test::Mosquitto;

MqttWill will_of(const char* body) {
  MqttWill will;
  will.topic = "wills/7";
  will.body = body;
  return will;
}

// Claim:  when the connection of a sink or a source dies, others see its will; when it is stopped, they do not.
// Method: each with a will, in both versions: stopped, and then with a connection that is cut while the way back is closed;
//         a marker behind each tells that nothing came before it.
TEST(MqttWill, IsSeenWhenTheConnectionDiesAndNotAtAGoodbye) {
  const Mosquitto broker("allow_anonymous true\n", Mosquitto::Keeps::nothing);
  Collector got;
  const auto watcher = source_of(broker_options(broker.url(), "watcher"), "wills/#", got.settle(Settlement::done));
  const auto marks = sink_of(broker_options(broker.url(), "marks"));
  Confirms confirms;
  const auto mark = [&](const char* body) {
    ASSERT_EQ(marks->send(test::message_of("wills/mark", body), confirms.one()), SendResult::taken);
  };
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    for (const bool is_source : {false, true}) {
      test::FaultProxy proxy(broker.port());
      MqttOptions options = broker_options(url_of(proxy), "mortal", version);
      options.will = will_of("gone");
      const auto until_up = [](const auto& end) {
        test::yield_until([&] { return end.health().state == AdapterState::up; });
      };
      std::unique_ptr<MqttSink> sink;
      std::unique_ptr<MqttSource> source;
      const auto begin = [&] {
        if (is_source) {
          source = source_of(options, "other/#", [](ReceivedMessage&&) {});
        } else {
          sink = sink_of(options);
          until_up(*sink);
        }
      };
      begin();
      source.reset();
      sink.reset();
      mark("stopped");
      begin();
      proxy.reset_after(0);
      proxy.cut();
      got.await(2);
      EXPECT_EQ(copies_of(got.take()), (std::map<std::string, int>{{"stopped", 1}, {"gone", 1}}));
    }
  }
}

// Claim:  a delayed will is not published when its end comes back in time.
// Method: connections that are cut, of a sink and of a source whose wills wait an hour; a marker follows.
TEST(MqttWill, DelayedOneIsNotPublishedWhenItsEndComesBack) {
  const Mosquitto broker("allow_anonymous true\n", Mosquitto::Keeps::nothing);
  test::FaultProxy proxy(broker.port());
  Collector got;
  Confirms confirms;
  const auto watcher = source_of(broker_options(broker.url(), "watcher"), "wills/#", got.settle(Settlement::done));
  MqttOptions options = broker_options(url_of(proxy), "sink");
  options.will = will_of("gone");
  options.will->delay = std::chrono::hours(1);
  const auto sink = sink_of(options);
  options.client_id = "source";
  const auto source = source_of(options, "other/#", [](ReceivedMessage&&) {});
  test::yield_until([&] { return sink->health().state == AdapterState::up; });
  proxy.cut();
  test::yield_until([&] { return proxy.connections() >= 4; });
  ASSERT_EQ(sink->send(test::message_of("wills/mark", "back"), confirms.one()), SendResult::taken);
  got.await(1);
  EXPECT_EQ(copies_of(got.take()), (std::map<std::string, int>{{"back", 1}}));
}

// Claim:  a will that no broker would take is found by start().
// Method: a table.
TEST(MqttWill, IsLookedAtFirst) {
  MqttWill wildcard = will_of("x");
  wildcard.topic = "a/+";
  MqttWill large = will_of("x");
  large.body.assign(65'536, 'x');
  MqttWill late = will_of("x");
  late.delay = std::chrono::seconds(1);
  const std::pair<MqttWill, std::string> table[] = {{wildcard, "the will: the topic holds a wildcard"},
                                                    {large, "the will: the body has at most 65535 bytes"},
                                                    {late, "the will: MQTT 3.1.1 has no delay"}};
  for (const auto& [will, message] : table) {
    MqttSinkOptions options;
    options.broker = broker_options("mqtt://h", "id", MqttVersion::v311);
    options.broker.will = will;
    MqttSink sink(std::move(options));
    const Status started = sink.start();
    ASSERT_FALSE(started) << message;
    EXPECT_EQ(started.error().message(), "mqtt: " + message);
  }
}

}  // namespace
}  // namespace headrace::mqtt
