#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <mutex>

#include "fault_proxy.hpp"
#include "mosquitto.hpp"
#include "mqtt_world.hpp"
#include "sanitizer.hpp"

namespace headrace::mqtt {
namespace {

using std::chrono::milliseconds;
using test::Collector;
using test::Confirms;
using test::message_of;
using test::Mosquitto;

// Claim:  both versions of the protocol and each QoS of a subscription carry messages.
// Method: a hundred messages in each of the four ways.
TEST(Mqtt, EveryVersionAndQosCarriesMessages) {
  const Mosquitto broker;
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    for (const Qos qos : {Qos::at_most_once, Qos::at_least_once}) {
      Collector got;
      Confirms confirms;
      const auto source =
          source_of(broker_options(broker.url(), "source", version), "a/+", got.settle(Settlement::done), qos);
      const auto sink = sink_of(broker_options(broker.url(), "sink", version));
      send_numbers(*sink, confirms, 0, 100);
      confirms.await(100);
      got.await_different(100);
      EXPECT_EQ(confirms.failed(), 0U);
      EXPECT_EQ(source->stop(std::chrono::hours(1)), 0U);
    }
  }
}

// Claim:  many messages come once and in order.
// Method: 20,000 (10^4 under a sanitizer) of one topic, by a broker that keeps them in memory.
TEST(Mqtt, ManyMessagesComeOnceAndInOrder) {
  constexpr int kManyMqtt = HEADRACE_TEST_ASAN || HEADRACE_TEST_TSAN ? 10'000 : 20'000;
  const Mosquitto broker("allow_anonymous true\n", Mosquitto::Keeps::nothing);
  Collector got;
  Confirms confirms;
  const auto source = source_of(broker_options(broker.url(), "source"), "a/#", got.settle(Settlement::done));
  const auto sink = sink_of(broker_options(broker.url(), "sink"));
  for (int i = 0; i < kManyMqtt; ++i) {
    while (sink->send(message_of("a/b", std::to_string(i)), confirms.one()) == SendResult::full) {
      ASSERT_TRUE(sink->wait_for_room(std::chrono::hours(1)));
    }
  }
  got.await(kManyMqtt);
  const auto all = got.take();
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kManyMqtt));
  for (int i = 0; i < kManyMqtt; ++i) {
    ASSERT_EQ(test::body_text(all[static_cast<std::size_t>(i)].message), std::to_string(i));
  }
}

// Claim:  sources that share a subscription share the messages: each goes to one of them.
// Method: two sources of a group, two hundred messages.
TEST(Mqtt, SharedSubscriptionsShareTheWork) {
  const Mosquitto broker;
  Collector one;
  Collector two;
  Confirms confirms;
  const auto first =
      source_of(broker_options(broker.url(), "first"), "$share/g/a/#", one.settle(Settlement::done));
  const auto second =
      source_of(broker_options(broker.url(), "second"), "$share/g/a/#", two.settle(Settlement::done));
  const auto sink = sink_of(broker_options(broker.url(), "sink"));
  send_numbers(*sink, confirms, 0, 200);
  test::yield_until([&] { return one.kept() + two.kept() >= 200; });
  EXPECT_EQ(one.kept() + two.kept(), 200U);
  EXPECT_GT(one.kept(), 0U);
  EXPECT_GT(two.kept(), 0U);
}

// Claim:  what no publisher may send, and what MQTT 3.1.1 cannot carry, is answered with an error and holds up
//         nobody.
// Method: bad messages before a good one.
TEST(Mqtt, BadMessagesAreAnswered) {
  const Mosquitto broker;
  Collector got;
  Confirms confirms;
  const auto source =
      source_of(broker_options(broker.url(), "source", MqttVersion::v311), "a/#", got.settle(Settlement::done));
  const auto sink = sink_of(broker_options(broker.url(), "sink", MqttVersion::v311));
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

// Claim:  a text that MQTT forbids, wherever it stands, is answered with an error that no retry helps, over one
//         connection, and holds up nobody; other text travels as it is.
// Method: each bad text as topic, key, content type, a header's name and its value, before a good message.
TEST(Mqtt, TextsThatMqttForbidsAreAnswered) {
  const Mosquitto broker;
  test::FaultProxy proxy(broker.port());
  Collector got;
  std::atomic<int> refused{0};
  const auto source = source_of(broker_options(broker.url(), "source"), "a/#", got.settle(Settlement::done));
  const auto sink = sink_of(broker_options("mqtt://127.0.0.1:" + std::to_string(proxy.port()), "sink"));
  int sent = 0;
  const auto send = [&](Message&& message) {
    ++sent;
    ASSERT_EQ(
        sink->send(std::move(message),
                   [&](const Status& status) { refused += !status && status.error().retry == Error::Retry::no; }),
        SendResult::taken);
  };
  for (const std::string& bad :
       {std::string("\xff"), std::string("x\0", 2), std::string("x\n"), std::string("\x7f"),
        std::string("\xc2\x85"), std::string("\xef\xb7\x90"), std::string("\xf0\x9f\xbf\xbe")}) {
    send(message_of("a/" + bad, "x"));
    for (const int place : {0, 1, 2, 3}) {
      Message message = message_of("a/b", "x");
      if (place == 0) message.key = bad;
      if (place == 1) message.content_type = bad;
      if (place == 2) message.headers = {{bad, "b"}};
      if (place == 3) message.headers = {{"a", bad}};
      send(std::move(message));
    }
  }
  Confirms confirms;
  Message good = message_of("a/\u00e9", "good");
  good.headers = {{"\u00a0", "\u20ac \U0001f600"}};
  const auto headers = good.headers;
  ASSERT_EQ(sink->send(std::move(good), confirms.one()), SendResult::taken);
  confirms.await(1);
  EXPECT_EQ(confirms.failed(), 0U);
  EXPECT_EQ(refused.load(), sent);
  got.await(1);
  const auto all = got.take();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all.front().message.topic, "a/\u00e9");
  EXPECT_EQ(all.front().message.headers, headers);
  EXPECT_EQ(proxy.connections(), 1U);
}

// Claim:  wrong credentials give up, say so, and are in no message.
// Method: a broker that knows nobody, with each version; everything that the adapter says.
TEST(Mqtt, WrongCredentialsGiveUpAndStaySecret) {
  const Mosquitto broker("allow_anonymous false\n");
  std::mutex mutex;
  std::string said;
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    std::string url = broker.url();
    MqttSourceOptions options;
    options.broker = broker_options(url.insert(7, "user:canary-4711@"), "source", version);
    options.broker.on_health = [&](const Health& health) {
      const std::scoped_lock lock(mutex);
      said += health.reason + "\n";
    };
    options.filters = {"#"};
    MqttSource source(std::move(options));
    ASSERT_TRUE(source.start([](ReceivedMessage&&) {}));
    test::yield_until([&] { return source.health().state == AdapterState::gave_up; });
    EXPECT_NE(source.health().reason.find("not authorised"), std::string::npos) << source.health().reason;
  }
  EXPECT_EQ(said.find("canary"), std::string::npos) << said;
}

// Claim:  a message without an outcome holds back the acknowledgements behind it and nothing else: they are handed
//         over, and all come again to the next source, from the first that had none.
// Method: three hundred messages; all but the hundredth are done.
TEST(Mqtt, AcknowledgesUpToTheFirstWithoutAnOutcome) {
  const Mosquitto broker;
  Collector got;
  Collector again;
  Confirms confirms;
  auto source =
      source_of(broker_options(broker.url(), "source"), "a/#", [&, keep = got.keep()](ReceivedMessage&& received) {
        if (test::body_text(received.message) != "100") received.settle(Settlement::done);
        keep(std::move(received));
      });
  const auto sink = sink_of(broker_options(broker.url(), "sink"));
  send_numbers(*sink, confirms, 0, 300);
  got.await_different(300);
  EXPECT_EQ(source->stop(milliseconds(0)), 1U);
  source.reset();
  source = source_of(broker_options(broker.url(), "source"), "a/#", again.settle(Settlement::done));
  again.await_different(200);
  const auto all = again.take();
  EXPECT_EQ(all.size(), 200U);
  EXPECT_EQ(test::body_text(all.front().message), "100");
  EXPECT_TRUE(all.front().redelivered);
  source.reset();
}

// Claim:  a connection that is reset after any number of bytes loses nothing.
// Method: every connection of both ends is reset after 8, 16, 32, … bytes from the client; three hundred messages.
TEST(Mqtt, ResetAfterAnyNumberOfBytesLosesNothing) {
  const Mosquitto broker;
  test::FaultProxy proxy(broker.port());
  const std::string url = "mqtt://127.0.0.1:" + std::to_string(proxy.port());
  Collector got;
  Confirms confirms;
  const auto source = source_of(broker_options(url, "source"), "a/#", got.settle(Settlement::done));
  const auto sink = sink_of(broker_options(url, "sink"));
  send_numbers(*sink, confirms, 0, 300);
  for (std::size_t bytes = 8; bytes < 10'000; bytes += bytes) {
    proxy.reset_after(bytes);
    proxy.cut();
    const std::size_t before = proxy.connections();
    test::yield_until([&] { return proxy.connections() >= before + 2 || confirms.confirmed() == 300; });
  }
  proxy.reset_after(test::FaultProxy::npos);
  proxy.cut();
  confirms.await(300);
  got.await_different(300);
  EXPECT_EQ(confirms.failed(), 0U);
}

// Claim:  a peer that neither answers nor closes is found by keep-alive, and everything goes on afterwards.
// Method: the proxy carries nothing until both ends say that they are not up any more.
TEST(Mqtt, HalfOpenConnectionIsFoundByKeepAlive) {
  const Mosquitto broker;
  test::FaultProxy proxy(broker.port());
  const std::string url = "mqtt://127.0.0.1:" + std::to_string(proxy.port());
  Collector got;
  Confirms confirms;
  MqttOptions of = broker_options(url, "source");
  MqttOptions to = broker_options(url, "sink");
  of.keep_alive = to.keep_alive = std::chrono::seconds(1);
  const auto source = source_of(std::move(of), "a/#", got.settle(Settlement::done));
  const auto sink = sink_of(std::move(to));
  test::yield_until([&] { return sink->health().state == AdapterState::up; });
  proxy.freeze(true);
  test::yield_until(
      [&] { return source->health().state != AdapterState::up && sink->health().state != AdapterState::up; });
  proxy.cut();
  proxy.freeze(false);
  send_numbers(*sink, confirms, 0, 1);
  confirms.await(1);
  got.await(1);
}

// Claim:  mistakes in options are found by start(), and no message repeats a URL.
// Method: a table.
TEST(Mqtt, OptionsAreLookedAtFirst) {
  const std::pair<std::string, std::string> table[] = {
      {"http://u:canary@h", "mqtt url: must begin with mqtt:// or mqtts://"},
      {"mqtt://u:canary@h/path", "mqtt url: has a path, which means nothing here"},
      {"mqtt://h", "mqtt: the client's id must have 1 to 1000 bytes"}};
  for (const auto& [url, message] : table) {
    MqttSinkOptions options;
    options.broker = broker_options(url, url == "mqtt://h" ? "" : "id");
    MqttSink sink(std::move(options));
    const Status started = sink.start();
    ASSERT_FALSE(started) << url;
    EXPECT_EQ(started.error().message(), message);
  }
  const std::pair<std::function<void(MqttOptions&)>, std::string> others[] = {
      {[](MqttOptions& options) { options.packet_bytes_max = 1000; }, "packet_bytes_max must be"},
      {[](MqttOptions& options) { options.packet_bytes_max = std::size_t{1} << 28; }, "packet_bytes_max must be"},
      {[](MqttOptions& options) { options.url = "mqtt://:canary@h"; }, "no password without a user"},
      {[](MqttOptions& options) { options.url = "mqtt://u:" + std::string(65'536, 'x') + "@h"; },
       "at most 65535"}};
  for (const auto& [change, part] : others) {
    MqttSinkOptions options;
    options.broker = broker_options("mqtt://h", "id", MqttVersion::v311);
    change(options.broker);
    MqttSink sink(std::move(options));
    const Status started = sink.start();
    ASSERT_FALSE(started) << part;
    EXPECT_NE(started.error().message().find(part), std::string::npos) << started.error().message();
  }
}

}  // namespace
}  // namespace headrace::mqtt
