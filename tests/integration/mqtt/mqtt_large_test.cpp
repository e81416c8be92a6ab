#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "mosquitto.hpp"
#include "mqtt_world.hpp"

namespace headrace::mqtt {
namespace {

using test::Collector;
using test::Confirms;
using test::message_of;
using test::Mosquitto;

constexpr std::size_t kLimit = std::size_t{256} << 10;

// Claim:  with MQTT 3.1.1 a message over packet_bytes_max stops nothing: it is read over, counted and reported, acknowledged
//         in its turn, and does not come again; the messages around it come, on the same connection.
// Method: one of four times the limit between small ones, with QoS 1 and 2; the same session once more, with one more message.
TEST(MqttLarge, MessageOverTheLimitStopsNothing) {
  for (const Qos qos : {Qos::at_least_once, Qos::exactly_once}) {
    const Mosquitto broker("allow_anonymous true\n", Mosquitto::Keeps::nothing);
    std::mutex mutex;
    std::vector<TooLargeMessage> reported;
    MqttSourceOptions options;
    options.broker = broker_options(broker.url(), "source", MqttVersion::v311);
    options.broker.packet_bytes_max = kLimit;
    options.filters = {"a/#"};
    options.qos = qos;
    options.on_too_large = [&](const TooLargeMessage& lost) {
      const std::scoped_lock lock(mutex);
      reported.push_back(lost);
    };
    Collector got;
    Confirms confirms;
    const auto sink = sink_of(broker_options(broker.url(), "sink", MqttVersion::v311), qos);
    {
      MqttSource source(options);
      ASSERT_TRUE(source.start(got.settle(Settlement::done)));
      test::yield_until([&] { return source.health().state == AdapterState::up; });
      send_numbers(*sink, confirms, 0, 3);
      ASSERT_EQ(sink->send(message_of("a/large", std::string(4 * kLimit, 'x')), confirms.one()),
                SendResult::taken);
      send_numbers(*sink, confirms, 3, 6);
      got.await_different(6);
      EXPECT_EQ(source.too_large(), 1U);
      EXPECT_EQ(source.health().connections, 1U);
      EXPECT_EQ(source.stop(std::chrono::hours(1)), 0U);
    }
    MqttSource source(options);
    ASSERT_TRUE(source.start(got.settle(Settlement::done)));
    send_numbers(*sink, confirms, 6, 7);
    got.await_different(7);
    EXPECT_EQ(source.too_large(), 0U);
    EXPECT_EQ(source.stop(std::chrono::hours(1)), 0U);
    EXPECT_EQ(copies_of(got.take()), each_once(7));
    const std::scoped_lock lock(mutex);
    ASSERT_EQ(reported.size(), 1U);
    EXPECT_EQ(reported[0].topic, "a/large");
    EXPECT_EQ(reported[0].packet_bytes, 2 + std::string("a/large").size() + 2 + 4 * kLimit);
  }
}

}  // namespace
}  // namespace headrace::mqtt
