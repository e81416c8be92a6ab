#if defined(HEADRACE_HAS_SERVICEBUS)
#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <string>
#include <utility>

#include "../program.hpp"
#include "../servicebus/servicebus_world.hpp"
#include "headrace/servicebus/message_headers.hpp"

namespace headrace::program {
namespace {

using GatewayOfServiceBus = test::ServiceBusTest;

// Claim:  a gateway takes a queue's messages to a topic, with its connection string in a file or in the config.
// Method: the built program; a source in the config's text, a sink whose string lies in a file; a hundred messages.
TEST_F(GatewayOfServiceBus, TakesAQueueToATopic) {
  const test::ServiceBusEmulator emulator(R"("queues": {"orders": {}}, "topics": {"shop": {"all": {}}})");
  const Folder folder;
  folder.write("secret", emulator.connection_string() + "\n");
  const std::string config = folder.write(
      "gateway.toml",
      "[[source]]\nname = \"in\"\nkind = \"servicebus\"\nurl = \"" + emulator.connection_string() +
          "\"\nentity = \"orders\"\n[[sink]]\nname = \"out\"\nkind = \"servicebus\"\npassword_file = \"secret\"\n"
          "entity = \"shop\"\n[[route]]\nname = \"all\"\nfilter = \"#\"\nto = \"out\"\n");
  test::Collector got;
  test::Confirms confirms;
  const auto source = test::servicebus_source(
      test::servicebus_from(emulator.connection_string(), "shop/Subscriptions/all"), got.settle(Settlement::done));
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "orders"));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(sink->send(test::message_of("orders.placed", std::to_string(i)), confirms.one()), SendResult::taken);
  }
  Program gateway({"run", config});
  got.await_different(100);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(got.kept(), 100U);
  EXPECT_EQ(got.take().front().message.topic, "orders.placed");
  EXPECT_EQ((outcome.out + outcome.err).find(test::ServiceBusEmulator::kKey), std::string::npos);
}

// Claim:  a source may tell copies apart by the id that AMQP gives a message, and the bus's own ids do not matter.
// Method: two messages of one message-id and one of another; then messages that have none of their sender's.
TEST_F(GatewayOfServiceBus, KnowsCopiesByTheirMessageId) {
  const test::ServiceBusEmulator emulator(R"("queues": {"orders": {}, "out": {}})");
  const Folder folder;
  const std::string url = "url = \"" + emulator.connection_string() + "\"\n";
  const std::string config = folder.write(
      "gateway.toml", "[[source]]\nname = \"in\"\nkind = \"servicebus\"\nentity = \"orders\"\n" + url +
                          "identity = \"message-id\"\n[[sink]]\nname = \"out\"\nkind = \"servicebus\"\n"
                          "entity = \"out\"\n" +
                          url + "[[route]]\nname = \"all\"\nfilter = \"#\"\nto = \"out\"\n");
  test::Collector got;
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "out"),
                                              got.settle(Settlement::done));
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "orders"));
  const auto send = [&](std::string body, const std::string& id) {
    Message message = test::message_of("orders.placed", std::move(body));
    if (!id.empty()) message.headers.emplace_back(servicebus::kMessageIdHeader, id);
    ASSERT_TRUE(test::send_and_wait(*sink, std::move(message)));
  };
  send("1", "order-1");
  send("copy of 1", "order-1");
  send("2", "order-2");
  send("3", "");
  send("4", "");
  Program gateway({"run", config});
  got.await_different(4);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(got.bodies(), (std::set<std::string>{"1", "2", "3", "4"}));
  EXPECT_NE(outcome.out.find("received 5, published 4, copies 1,"), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace headrace::program
#endif
