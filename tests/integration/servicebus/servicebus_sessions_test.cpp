#include <map>

#include "servicebus_world.hpp"

namespace headrace::servicebus {
namespace {

using std::chrono::milliseconds;
using test::Collector;
using test::Confirms;
using test::message_of;
using test::ServiceBusEmulator;
using ServiceBusSessions = test::ServiceBusTest;

constexpr const char* kSessionQueue = R"("queues": {"s": {"sessions": true, "lockMs": 4000}})";

ServiceBusSourceOptions sessions_of(const ServiceBusEmulator& emulator, std::size_t sessions_max) {
  ServiceBusSourceOptions options = test::servicebus_from(emulator.connection_string(), "s");
  options.sessions_max = sessions_max;
  options.session_idle = milliseconds(50);
  return options;
}

// Claim:  a session's messages come in order and to one consumer at a time, and every session has its turn, however
//         few are held at once.
// Method: twenty sessions of ten messages, two sources that hold three at once each.
TEST_F(ServiceBusSessions, EachSessionKeepsItsOrder) {
  const ServiceBusEmulator emulator(kSessionQueue);
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "s"));
  Confirms confirms;
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(sink->send(message_of("t", std::to_string(i), "key " + std::to_string(i % 20)), confirms.one()),
              SendResult::taken);
  }
  Collector got;
  const auto one = test::servicebus_source(sessions_of(emulator, 3), got.settle(Settlement::done));
  const auto two = test::servicebus_source(sessions_of(emulator, 3), got.settle(Settlement::done));
  got.await_different(200);
  EXPECT_EQ(got.kept(), 200U);
  std::map<std::string, int> last;
  for (const ReceivedMessage& delivery : got.take()) {
    const int number = std::stoi(test::body_text(delivery.message));
    EXPECT_EQ(delivery.message.key, "key " + std::to_string(number % 20));
    const auto at = last.try_emplace(delivery.message.key, -1).first;
    EXPECT_LT(at->second, number);
    at->second = number;
  }
}

// Claim:  a source of one session gets its messages and no others, and holds its lock while a handler runs.
// Method: two sessions; the handler answers after the session's lock was renewed.
TEST_F(ServiceBusSessions, OneSessionByItsName) {
  const ServiceBusEmulator emulator(kSessionQueue);
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "s"));
  for (const char* session : {"other", "mine", "other", "mine"}) {
    ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", session, session)));
  }
  Collector got;
  ServiceBusSourceOptions options = sessions_of(emulator, 1);
  options.session = "mine";
  const auto source = test::servicebus_source(std::move(options), got.keep());
  got.await(2);
  test::await_said(emulator, "renew-session-lock", 1);
  for (ReceivedMessage& delivery : got.take()) {
    EXPECT_EQ(test::body_text(delivery.message), "mine");
    delivery.settle(Settlement::done);
  }
  EXPECT_EQ(source->stop(milliseconds(0)), 0U);
  EXPECT_EQ(source->locks_lost(), 0U);
}

// Claim:  a source that no session is there for stays up and asks again, on the same connection; so does one whose
//         session another has.
// Method: an emulator that lets links wait for a tenth of a second; then a message, and the session's end elsewhere.
TEST_F(ServiceBusSessions, WaitingForASessionIsNoError) {
  const ServiceBusEmulator emulator(R"("queues": {"s": {"sessions": true, "sessionWaitMs": 100}})");
  Collector got;
  auto source = test::servicebus_source(sessions_of(emulator, 1), got.keep());
  test::await_said(emulator, "no session: com.microsoft:timeout", 2);
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "s"));
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "x", "mine")));
  got.await(1);
  EXPECT_EQ(source->health().connections, 1U);

  Collector other;
  ServiceBusSourceOptions named = sessions_of(emulator, 1);
  named.session = "mine";
  const auto second = test::servicebus_source(std::move(named), other.settle(Settlement::done));
  test::await_said(emulator, "no session: com.microsoft:session-cannot-be-locked", 1);
  EXPECT_EQ(source->stop(milliseconds(0)), 1U);
  other.await(1);
  EXPECT_TRUE(other.take()[0].redelivered);
  EXPECT_EQ(second->health().connections, 1U);
}

// Claim:  an entity that requires sessions gives up a source without, and a message without a key is refused; options
//         that exclude each other are refused by start().
// Method: each of them.
TEST_F(ServiceBusSessions, WhatDoesNotFitSessionsIsRefused) {
  const ServiceBusEmulator emulator(kSessionQueue);
  const auto source =
      test::servicebus_source(test::servicebus_from(emulator.connection_string(), "s"), [](ReceivedMessage&&) {});
  EXPECT_EQ(source->health().state, AdapterState::gave_up);
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "s"));
  const Status refused = test::send_and_wait(*sink, message_of("t", "x"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("SessionId"), std::string::npos);
  ServiceBusSourceOptions named = sessions_of(emulator, 2);
  named.session = "mine";
  EXPECT_FALSE(ServiceBusSource(std::move(named)).start([](ReceivedMessage&&) {}));
}

}  // namespace
}  // namespace headrace::servicebus
