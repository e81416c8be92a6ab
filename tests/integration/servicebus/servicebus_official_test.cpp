#include <sstream>

#include "servicebus_official.hpp"

namespace headrace::servicebus {
namespace {

using test::Collector;
using test::Confirms;
using test::message_of;
using test::official;
using test::ServiceBusEmulator;
using test::ServiceBusOfficial;

// Claim:  what the official client sends, in a batch of its own, our source receives with all its parts.
// Method: thirty messages with typed properties.
TEST_F(ServiceBusOfficial, OursReceivesWhatTheOfficialClientSends) {
  const ServiceBusEmulator emulator;
  official(emulator, {"send", "orders", "30"});
  Collector got;
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "orders"),
                                              got.settle(Settlement::done));
  got.await(30);
  const auto all = got.take();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Message& message = all[i].message;
    EXPECT_EQ(test::body_text(message), "official-" + std::to_string(i));
    EXPECT_EQ(message.topic, "from.official");
    EXPECT_EQ(message.key, "s" + std::to_string(i % 3));
    EXPECT_EQ(message.content_type, "text/plain");
    EXPECT_EQ(message.headers, (decltype(message.headers){{"number", std::to_string(i)},
                                                          {"odd", i % 2 == 1 ? "true" : "false"},
                                                          {"name", "Zürich"},
                                                          {"message-id", "official-" + std::to_string(i)}}));
  }
}

// Claim:  what our sink sends the official client receives with all its parts, and what our source rejects it finds
//         among the dead letters, with the reason.
// Method: thirty messages, of which our source first rejects three.
TEST_F(ServiceBusOfficial, TheOfficialClientReceivesWhatOursSendsAndRejects) {
  const ServiceBusEmulator emulator;
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "orders"));
  Confirms confirms;
  const auto send = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      Message message = message_of("from.ours", "ours-" + std::to_string(i), "k" + std::to_string(i % 3));
      message.content_type = "text/plain";
      message.headers = {{"name", "Zürich"}};
      ASSERT_EQ(sink->send(std::move(message), confirms.one()), SendResult::taken);
    }
  };
  send(0, 3);
  {
    Collector got;
    ServiceBusSourceOptions options = test::servicebus_from(emulator.connection_string(), "orders");
    options.reject_reason = "no such customer";
    const auto source = test::servicebus_source(std::move(options), got.settle(Settlement::reject));
    got.await(3);
    EXPECT_EQ(source->stop(std::chrono::hours(1)), 0U);
  }
  send(3, 30);
  confirms.await(30);
  ASSERT_EQ(confirms.failed(), 0U);
  std::istringstream alive(official(emulator, {"receive", "orders", "27"}));
  std::string line;
  for (int i = 3; std::getline(alive, line); ++i) {
    const std::string number = std::to_string(i);
    EXPECT_NE(line.find(R"({"text":"ours-)" + number + R"(","subject":"from.ours","sessionId":"k)" +
                        std::to_string(i % 3) +
                        R"(","contentType":"text/plain","applicationProperties":{"name":"Zürich"})"),
              std::string::npos)
        << line;
    EXPECT_NE(line.find(R"("deliveryCount":0)"), std::string::npos) << line;
  }
  const std::string dead = official(emulator, {"dead", "orders", "3"});
  for (const char* text : {"ours-0", "ours-1", "ours-2"}) EXPECT_NE(dead.find(text), std::string::npos) << dead;
  EXPECT_NE(dead.find(R"("deadLetterReason":"no such customer")"), std::string::npos) << dead;
}

// Claim:  a message that is no bytes goes to the dead letters as it is, with a reason, and those behind it come.
// Method: a map of the official client's, and one of ours; the official client reads the dead letter.
TEST_F(ServiceBusOfficial, WhatCannotBeReadIsADeadLetter) {
  const ServiceBusEmulator emulator;
  official(emulator, {"send-map", "orders"});
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "orders"));
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "after")));
  Collector got;
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "orders"),
                                              got.settle(Settlement::done));
  got.await(1);
  EXPECT_EQ(test::body_text(got.take()[0].message), "after");
  const std::string dead = official(emulator, {"dead", "orders", "1"});
  EXPECT_NE(dead.find(R"("text":{"a":1})"), std::string::npos) << dead;
  EXPECT_NE(dead.find("neither bytes nor text"), std::string::npos) << dead;
}

}  // namespace
}  // namespace headrace::servicebus
