#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../../conformance/adapter/collector.hpp"
#include "fault_proxy.hpp"
#include "gate.hpp"
#include "headrace/mqtt/mqtt_sink.hpp"
#include "headrace/mqtt/mqtt_source.hpp"

namespace headrace::mqtt {

inline MqttOptions broker_options(const std::string& url, std::string client_id,
                                  MqttVersion version = MqttVersion::v5) {
  MqttOptions options;
  options.url = url;
  options.client_id = std::move(client_id);
  options.version = version;
  options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(20)};
  return options;
}

inline std::unique_ptr<MqttSource> source_of(MqttOptions broker, std::string filter, Source::Deliver deliver,
                                             Qos qos = Qos::at_least_once) {
  MqttSourceOptions options;
  options.broker = std::move(broker);
  options.filters = {std::move(filter)};
  options.qos = qos;
  auto source = std::make_unique<MqttSource>(std::move(options));
  const Status started = source->start(std::move(deliver));
  EXPECT_TRUE(started) << started.error().message();
  test::yield_until([&] { return source->health().state == AdapterState::up; });
  return source;
}

inline std::unique_ptr<MqttSink> sink_of(MqttOptions broker, Qos qos = Qos::at_least_once) {
  MqttSinkOptions options;
  options.broker = std::move(broker);
  options.qos = qos;
  auto sink = std::make_unique<MqttSink>(std::move(options));
  EXPECT_TRUE(sink->start());
  return sink;
}

inline std::string url_of(const test::FaultProxy& proxy) {
  return "mqtt://127.0.0.1:" + std::to_string(proxy.port());
}

/// What came, by how often it did.
inline std::map<std::string, int> copies_of(const std::vector<ReceivedMessage>& all) {
  std::map<std::string, int> copies;
  for (const ReceivedMessage& each : all) ++copies[test::body_text(each.message)];
  return copies;
}
/// Each of so many numbers once.
inline std::map<std::string, int> each_once(int count) {
  std::map<std::string, int> copies;
  for (int i = 0; i < count; ++i) copies[std::to_string(i)] = 1;
  return copies;
}

inline void send_numbers(MqttSink& to, test::Confirms& confirms, int from, int until) {
  for (; from < until; ++from) {
    ASSERT_EQ(to.send(test::message_of("a/b", std::to_string(from)), confirms.one()), SendResult::taken);
  }
}

}  // namespace headrace::mqtt
