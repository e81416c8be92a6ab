#if defined(HEADRACE_HAS_SERVICEBUS)
#include <gtest/gtest.h>
#include <signal.h>

#include "../program.hpp"
#include "../servicebus/servicebus_world.hpp"

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

}  // namespace
}  // namespace headrace::program
#endif
