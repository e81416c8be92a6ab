#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <vector>

#include "environment.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/bus/source_bridge.hpp"
#include "mosquitto.hpp"
#include "mqtt_world.hpp"

namespace headrace::mqtt {
namespace {

// Claim:  many devices, each with a topic and a key of its own, come through one source into the bus, each device in
//         order, over two workers.
// Method: 200 devices (HEADRACE_MQTT_DEVICES), five readings each, turn about; each handler checks its device's number. The
//         rate and the memory are told, not judged.
TEST(MqttDevices, EachDeviceKeepsItsOrder) {
  const auto devices = static_cast<std::size_t>(test::from_environment("HEADRACE_MQTT_DEVICES", 200));
  constexpr std::size_t kReadings = 5;
  const test::Mosquitto broker("allow_anonymous true\nmax_inflight_messages 1000\n",
                               test::Mosquitto::Keeps::nothing);
  Bus bus({.workers = 2});
  std::vector<std::size_t> next(devices);  // each device's is its worker's
  std::atomic<std::size_t> wrong{0};
  std::atomic<std::size_t> handled{0};
  const auto handler = bus.subscribe<RelayedMessage>(
      {.filter = "#", .name = "devices", .placement = Placement::sharded}, [&](const RelayedMessage& event) {
        const Message& message = event.relay->message();
        const std::size_t device = std::stoul(message.key);
        const bool is_next = test::body_text(message) == std::to_string(next[device]++) &&
                             message.topic == "plant/" + message.key + "/temp";
        // Counts only: read when all have been.
        if (!is_next) wrong.fetch_add(1, std::memory_order_relaxed);  // no partner: a count
        event.relay->answer(Settlement::done);
        handled.fetch_add(1, std::memory_order_relaxed);  // no partner: a count
      });
  MqttSourceOptions options;
  options.broker = broker_options(broker.url(), "source");
  options.filters = {"plant/+/temp"};
  MqttSource source(std::move(options));
  SourceBridge bridge(bus, source);
  bus.start();
  ASSERT_TRUE(bridge.start());
  test::yield_until([&] { return source.health().state == AdapterState::up; });
  const auto begin = std::chrono::steady_clock::now();
  test::Confirms confirms;
  const auto sink = sink_of(broker_options(broker.url(), "sink"));
  for (std::size_t reading = 0; reading < kReadings; ++reading) {
    for (std::size_t device = 0; device < devices; ++device) {
      const std::string key = std::to_string(device);
      Message message = test::message_of("plant/" + key + "/temp", std::to_string(reading), key);
      while (sink->send(std::move(message), confirms.one()) == SendResult::full) {
        ASSERT_TRUE(sink->wait_for_room(std::chrono::hours(1)));
      }
    }
  }
  const std::size_t all = devices * kReadings;
  confirms.await(all);
  test::yield_until([&] { return handled.load(std::memory_order_relaxed) == all; });  // no partner: a count
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(bridge.stop(std::chrono::hours(1)), 0U);
  bus.stop(std::chrono::hours(1));
  EXPECT_EQ(wrong.load(std::memory_order_relaxed), 0U);  // no partner: all have ended
  EXPECT_EQ(confirms.failed(), 0U);
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  std::cout << devices << " devices: " << static_cast<double>(all) / took.count() / 1e3
            << " k/s through broker and bus, " << used.ru_maxrss / 1024 << " MiB at most\n";
}

}  // namespace
}  // namespace headrace::mqtt
