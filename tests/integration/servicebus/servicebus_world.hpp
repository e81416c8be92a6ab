#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "../../conformance/adapter/collector.hpp"
#include "gate.hpp"
#include "headrace/servicebus/servicebus_sink.hpp"
#include "headrace/servicebus/servicebus_source.hpp"
#include "servicebus_emulator.hpp"

namespace headrace::test {

/// Tests of adapters/servicebus, each with an emulator of its own.
struct ServiceBusTest : testing::Test {
  void SetUp() override {
    if (!ServiceBusEmulator::is_installed()) GTEST_SKIP() << ServiceBusEmulator::kNeeds;
  }
};

inline servicebus::ServiceBusOptions servicebus_options(std::string connection_string) {
  servicebus::ServiceBusOptions options;
  options.connection_string = std::move(connection_string);
  options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
  return options;
}

inline servicebus::ServiceBusSourceOptions servicebus_from(std::string connection_string, std::string entity) {
  servicebus::ServiceBusSourceOptions options;
  options.server = servicebus_options(std::move(connection_string));
  options.entity = std::move(entity);
  return options;
}

inline servicebus::ServiceBusSinkOptions servicebus_to(std::string connection_string, std::string entity) {
  servicebus::ServiceBusSinkOptions options;
  options.server = servicebus_options(std::move(connection_string));
  options.entity = std::move(entity);
  return options;
}

/// Both wait until the end is up, or has given up.
inline std::unique_ptr<servicebus::ServiceBusSource> servicebus_source(servicebus::ServiceBusSourceOptions options,
                                                                       Source::Deliver deliver) {
  auto source = std::make_unique<servicebus::ServiceBusSource>(std::move(options));
  const Status started = source->start(std::move(deliver));
  EXPECT_TRUE(started) << started.error().message();
  yield_until([&] { return source->health().state != AdapterState::connecting; });
  return source;
}
inline std::unique_ptr<servicebus::ServiceBusSink> servicebus_sink(servicebus::ServiceBusSinkOptions options) {
  auto sink = std::make_unique<servicebus::ServiceBusSink>(std::move(options));
  const Status started = sink->start();
  EXPECT_TRUE(started) << started.error().message();
  yield_until([&] { return sink->health().state != AdapterState::connecting; });
  return sink;
}

inline Status send_and_wait(Sink& sink, Message message) {
  std::promise<Status> answered;
  const SendResult result =
      sink.send(std::move(message), [&](const Status& answer) { answered.set_value(answer); });
  EXPECT_EQ(result, SendResult::taken);
  return answered.get_future().get();
}

/// Waits until the emulator has said `text` that often.
inline void await_said(const ServiceBusEmulator& emulator, std::string_view text, int times) {
  for (;;) {
    const std::string log = emulator.log();
    int found = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
    if (found >= times) return;
    ::poll(nullptr, 0, 10);
  }
}

}  // namespace headrace::test
