#include <gtest/gtest.h>

#include <cstdio>
#include <sstream>

#include "mosquitto.hpp"
#include "mqtt_world.hpp"
#include "scripted_server.hpp"

namespace headrace::mqtt {
namespace {

using test::Collector;
using test::Confirms;
using test::message_of;
using test::Mosquitto;

constexpr std::string_view kAtOnce = "allow_anonymous true\nset_tcp_nodelay true\n";

MqttOptions at_once(const std::string& url, const char* id, MqttVersion version = MqttVersion::v5) {
  MqttOptions options = broker_options(url, id, version);
  options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(2)};
  return options;
}

/// Cuts the next connection behind each number of bytes from the client, and lets the one after that be.
template <class Work>
void cut_behind_each_byte(test::FaultProxy& proxy, std::size_t from, std::size_t until, Work work) {
  for (std::size_t bytes = from; bytes < until; ++bytes) {
    const std::size_t before = proxy.connections();
    proxy.reset_after(bytes);
    proxy.cut();
    test::yield_until([&] { return proxy.connections() > before; });
    proxy.reset_after(test::FaultProxy::npos);
    work();
  }
}

// Claim:  with QoS 2 the broker takes each message once, wherever the sink's connection breaks: before the message, behind
//         it, between PUBREC and PUBREL, in the middle of a packet.
// Method: a connection that is reset behind each number of bytes from the client, in both versions; a receiver that stands
//         at the broker without a proxy counts.
TEST(MqttExactlyOnce, SinkSendsOnceWhereverItsConnectionBreaks) {
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    const Mosquitto broker(kAtOnce, Mosquitto::Keeps::nothing);
    test::FaultProxy proxy(broker.port());
    Collector got;
    Confirms confirms;
    const auto source = source_of(broker_options(broker.url(), "source", version), "a/#",
                                  got.settle(Settlement::done), Qos::exactly_once);
    const auto sink = sink_of(at_once(url_of(proxy), "sink", version), Qos::exactly_once);
    test::yield_until([&] { return sink->health().state == AdapterState::up; });
    int sent = 0;
    cut_behind_each_byte(proxy, 36, 80, [&] {
      ASSERT_EQ(sink->send(message_of("a/b", std::to_string(sent++)), confirms.one()), SendResult::taken);
      confirms.await(static_cast<std::size_t>(sent));
    });
    got.await_different(static_cast<std::size_t>(sent));
    EXPECT_EQ(source->stop(std::chrono::hours(1)), 0U);
    EXPECT_EQ(copies_of(got.take()), each_once(sent));
    EXPECT_EQ(confirms.failed(), 0U);
  }
}

/// How often mosquitto sent each of so many messages again that it had released (PUBREL) before, by the body; each of them
/// has a topic of its own.
std::map<std::string, int> sent_after_release(const Mosquitto& broker) {
  std::map<unsigned, unsigned> message_of_id;
  std::map<unsigned, bool> released;
  std::map<std::string, int> times;
  std::istringstream log(broker.log());
  for (std::string line; std::getline(log, line);) {
    unsigned id = 0;
    unsigned message = 0;
    if (std::sscanf(line.c_str(), "%*u: Sending PUBREL to source (m%u)", &id) == 1) {
      released[id] = true;
    } else if (std::sscanf(line.c_str(), "%*u: Sending PUBLISH to source (d%*u, q2, r0, m%u, 'a/%u'", &id,
                           &message) == 2) {
      const auto [known, is_new] = message_of_id.try_emplace(id, message);
      EXPECT_EQ(known->second, message) << line;
      if (released[id]) ++times[std::to_string(message)];
    }
  }
  EXPECT_FALSE(released.empty());
  return times;
}

// Claim:  with QoS 2 a source hands each message over once, wherever its connection breaks, as long as the broker keeps to
//         MQTT. One that sends a message again after its release breaks it (MQTT-4.3.3-6), and to the receiver that is
//         another message (MQTT-4.3.3-12): it is handed over once more for each such time at most, marked.
// Method: as above, with the source behind the proxy, and a mosquitto that tells of each packet. 2.0.11 does so when a
//         connection breaks between its CONNACK and the release that is due in it: what was to be released is sent anew.
TEST(MqttExactlyOnce, SourceReceivesOnceWhereverItsConnectionBreaks) {
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    const Mosquitto broker(std::string(kAtOnce) + "log_type all\n", Mosquitto::Keeps::nothing);
    test::FaultProxy proxy(broker.port());
    Collector got;
    Confirms confirms;
    const auto source = source_of(at_once(url_of(proxy), "source", version), "a/#", got.settle(Settlement::done),
                                  Qos::exactly_once);
    const auto sink = sink_of(broker_options(broker.url(), "sink", version), Qos::exactly_once);
    int sent = 0;
    cut_behind_each_byte(proxy, 36, 72, [&] {
      for (const int until = sent + 2; sent < until; ++sent) {
        const std::string number = std::to_string(sent);
        ASSERT_EQ(sink->send(message_of("a/" + number, number), confirms.one()), SendResult::taken);
      }
      got.await_different(static_cast<std::size_t>(sent));
    });
    confirms.await(static_cast<std::size_t>(sent));
    EXPECT_EQ(source->stop(std::chrono::hours(1)), 0U);
    const auto all = got.take();
    auto allowed = sent_after_release(broker);
    std::map<std::string, int> unmarked;
    for (const ReceivedMessage& each : all) unmarked[test::body_text(each.message)] += each.redelivered ? 0 : 1;
    for (const auto& [body, copies] : copies_of(all)) {
      EXPECT_LE(copies, 1 + allowed[body]) << body;
      EXPECT_LE(unmarked[body], 1) << body;
    }
    EXPECT_EQ(copies_of(all).size(), static_cast<std::size_t>(sent));
  }
}

// Claim:  the source tells the broker only what has its outcome; what is out when the connection breaks is not handed over
//         again, and its outcome is told in the next one.
// Method: three messages, which is all that the broker may have under way, the first of them kept; the connection is
//         cut; the first is settled; three more come only if the broker has heard of all three.
TEST(MqttExactlyOnce, OutcomeIsToldInTheNextConnection) {
  const Mosquitto broker(kAtOnce, Mosquitto::Keeps::nothing);
  test::FaultProxy proxy(broker.port());
  Collector got;
  Confirms confirms;
  MqttSourceOptions options;
  options.broker = at_once(url_of(proxy), "source");
  options.filters = {"a/#"};
  options.qos = Qos::exactly_once;
  options.unsettled_max = 3;
  MqttSource source(std::move(options));
  ASSERT_TRUE(source.start(got.keep()));
  test::yield_until([&] { return source.health().state == AdapterState::up; });
  const auto sink = sink_of(broker_options(broker.url(), "sink"), Qos::exactly_once);
  send_numbers(*sink, confirms, 0, 6);
  got.await(3);
  auto all = got.take();
  EXPECT_EQ(copies_of(all), each_once(3));
  all[1].settle(Settlement::done);
  all[2].settle(Settlement::done);
  const std::size_t before = source.health().connections;
  proxy.cut();
  test::yield_until([&] { return source.health().connections > before; });
  EXPECT_EQ(got.kept(), 0U);
  all[0].settle(Settlement::done);
  got.await(3);
  for (ReceivedMessage& later : got.take()) {
    all.push_back(std::move(later));
    all.back().settle(Settlement::done);
  }
  EXPECT_EQ(copies_of(all), each_once(6));
  EXPECT_EQ(source.stop(std::chrono::hours(1)), 0U);
}

// Claim:  a broker that is killed and comes back with what it has saved loses nothing of QoS 2, and what comes twice says
//         that it may.
// Method: five rounds of sixty messages and a save, behind which the broker stands still; twenty more, which it has not
//         answered when it is killed. (It answers before it saves: what it answers in between, no client can save.)
TEST(MqttExactlyOnce, KilledBrokerLosesNothing) {
  Mosquitto broker(kAtOnce, Mosquitto::Keeps::when_told);
  Collector got;
  Confirms confirms;
  const auto source =
      source_of(at_once(broker.url(), "source"), "a/#", got.settle(Settlement::done), Qos::exactly_once);
  const auto sink = sink_of(at_once(broker.url(), "sink"), Qos::exactly_once);
  constexpr int kRounds = 5;
  constexpr int kEach = 80;
  for (int round = 0; round < kRounds; ++round) {
    const int first = round * kEach;
    send_numbers(*sink, confirms, first, first + 60);
    confirms.await(static_cast<std::size_t>(first + 60));
    broker.save();
    broker.signal(SIGSTOP);
    send_numbers(*sink, confirms, first + 60, first + kEach);
    broker.stop(SIGKILL);
    broker.start();
  }
  confirms.await(kRounds * kEach);
  got.await_different(kRounds * kEach);
  EXPECT_EQ(source->stop(std::chrono::hours(1)), 0U);
  std::map<std::string, int> unmarked;
  for (const ReceivedMessage& each : got.take()) {
    if (!each.redelivered) ++unmarked[test::body_text(each.message)];
  }
  for (const auto& [body, copies] : unmarked) EXPECT_EQ(copies, 1) << body;
  EXPECT_EQ(confirms.failed(), 0U);
}

// Claim:  of a message that the broker has, only the release is sent again while the broker knows the session; a broker
//         that has lost it gets the message anew, marked.
// Method: a broker that keeps to a script: cut behind PUBREC, then a session that is there, and one that is not.
TEST(MqttExactlyOnce, LostSessionIsSentAnew) {
  const std::string welcome("\x20\x03\x00\x00\x00", 5);
  const std::string known("\x20\x03\x01\x00\x00", 5);
  const std::string pubrec("\x50\x02\x00\x01", 4);
  const std::string pubrel("\x62\x02\x00\x01", 4);
  const std::string pubcomp("\x70\x02\x00\x01", 4);
  test::ScriptedServer broker({welcome, pubrec});
  test::FaultProxy proxy(broker.port());
  Confirms confirms;
  const auto sink = sink_of(at_once(url_of(proxy), "sink"), Qos::exactly_once);
  ASSERT_EQ(sink->send(message_of("a/b", "body"), confirms.one()), SendResult::taken);
  EXPECT_NE(broker.until_heard(0, pubrel).find("body"), std::string::npos);
  broker.now({known});
  proxy.cut();
  EXPECT_EQ(broker.until_heard(1, pubrel).find("body"), std::string::npos);
  EXPECT_EQ(confirms.confirmed(), 0U);
  broker.now({welcome, std::string("\x50\x02\x00\x02", 4), std::string("\x70\x02\x00\x02", 4)});
  proxy.cut();
  EXPECT_NE(broker.until_heard(2, "body").find(kAgainHeader), std::string::npos);
  confirms.await(1);
  EXPECT_EQ(confirms.failed(), 0U);
}

}  // namespace
}  // namespace headrace::mqtt
