#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "../../conformance/adapter/collector.hpp"
#include "../program.hpp"
#include "gate.hpp"
#include "headrace/redis/redis_sink.hpp"
#include "headrace/redis/redis_source.hpp"
#include "redis_server.hpp"

namespace headrace::program {
namespace {

/// A broker with something for a gateway to do: from the stream `orders` to the stream `out/orders`.
struct GatewayRun : testing::Test {
  test::RedisServer server;
  Folder folder;
  test::Collector got;
  test::Confirms confirms;

  std::string config() {
    return folder.write("gateway.toml",
                        "[[source]]\nname = \"in\"\nkind = \"redis\"\nurl = \"" + server.url() +
                            "\"\nstream = \"orders\"\nidentity = \"id\"\nunsettled = 100\n"
                            "topics = [[\"orders\", \"shop.orders\"]]\n"
                            "[[sink]]\nname = \"out\"\nkind = \"redis\"\nurl = \"" +
                            server.url() +
                            "\"\n[[route]]\nname = \"placed\"\nfilter = \"shop.#\"\nto = \"out\"\n"
                            "headers = { type = \"placed\" }\ntopics = [[\"out/#\", \"shop.#\"]]\n");
  }
  redis::RedisOptions options() const {
    redis::RedisOptions options;
    options.url = server.url();
    return options;
  }
  void send(redis::RedisSink& to, int number, std::string_view type) {
    Message message = test::message_of("orders", std::to_string(number));
    message.headers = {{"id", std::to_string(number)}, {"type", std::string(type)}};
    ASSERT_EQ(to.send(std::move(message), confirms.one()), SendResult::taken);
  }
  std::unique_ptr<redis::RedisSource> listen() {
    redis::RedisSourceOptions listening;
    listening.server = options();
    listening.stream = "out/orders";
    listening.consumer = "test";
    auto source = std::make_unique<redis::RedisSource>(std::move(listening));
    EXPECT_TRUE(source->start(got.settle(Settlement::done)));
    return source;
  }
};

// Claim:  a gateway loses nothing when it is killed, and when its broker is: every message that was sent arrives.
// Method: a thousand messages through a gateway that is killed after the first have arrived, once more by a second
//         one whose broker is killed and started; then all of them are there.
TEST_F(GatewayRun, KillsLoseNothing) {
  const auto source = listen();
  redis::RedisSinkOptions sending;
  sending.server = options();
  redis::RedisSink sink(std::move(sending));
  ASSERT_TRUE(sink.start());
  {
    Program gateway({"run", config()});
    for (int i = 0; i < 500; ++i) send(sink, i, "placed");
    got.await_different(1);
    gateway.signal(SIGKILL);
    EXPECT_NE(gateway.wait().exit_code, 0);
  }
  Program gateway({"run", config()});
  for (int i = 500; i < 1000; ++i) send(sink, i, "placed");
  got.await_different(501);
  confirms.await(1000);
  server.stop(SIGKILL);
  server.start();
  got.await_different(1000);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

// Claim:  a gateway passes on what its routes want, once, and says at its end what it did.
// Method: three messages that are wanted, one of them twice, and one that is not.
TEST_F(GatewayRun, PassesOnWhatIsWantedOnce) {
  const auto source = listen();
  redis::RedisSinkOptions sending;
  sending.server = options();
  redis::RedisSink sink(std::move(sending));
  ASSERT_TRUE(sink.start());
  Program gateway({"run", config()});
  send(sink, 1, "placed");
  got.await_different(1);
  send(sink, 1, "placed");
  send(sink, 2, "paid");
  send(sink, 3, "placed");
  send(sink, 4, "placed");
  got.await_different(3);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(got.bodies(), (std::set<std::string>{"1", "3", "4"}));
  EXPECT_EQ(got.kept(), 3U);
  EXPECT_EQ(got.take().front().message.topic, "out/orders");
  EXPECT_NE(outcome.out.find("source in: received 5, published 4, copies 1,"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("route placed: sent 3, confirmed 3, filtered 1,"), std::string::npos) << outcome.out;
}

// Claim:  `headrace check` says what is wrong with a gateway's config, by line, and what a right one holds.
// Method: both, and the example's.
TEST_F(GatewayRun, ConfigIsChecked) {
  const Outcome fine = run_program({"check", config()});
  EXPECT_EQ(fine.exit_code, 0) << fine.err;
  EXPECT_NE(fine.out.find("fine, 1 sources, 1 sinks, 1 routes"), std::string::npos) << fine.out;
#if defined(HEADRACE_HAS_RABBITMQ)
  const Outcome example = run_program({"check", HEADRACE_EXAMPLE_FOLDER "/gateway.toml"});
  EXPECT_EQ(example.exit_code, 0) << example.err;
#endif
  const Outcome wrong =
      run_program({"check", folder.write("bad.toml", "[[route]]\nname = \"r\"\nto = \"nowhere\"\n")});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_NE(wrong.err.find("bad.toml:3:"), std::string::npos) << wrong.err;
}

}  // namespace
}  // namespace headrace::program
