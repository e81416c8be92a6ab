#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "../../conformance/adapter/collector.hpp"
#include "../program.hpp"
#include "headrace/redis/redis_sink.hpp"
#include "headrace/redis/redis_source.hpp"
#include "tls_redis_server.hpp"

namespace headrace::program {
namespace {

/// A gateway from the stream `orders` to the stream `out/orders` of a Redis that speaks TLS only, where it also remembers
/// what it passed on.
struct GatewayTls : testing::Test {
  test::TlsRedisServer server;
  Folder folder;

  std::string config(const std::string& ca) {
    const std::string at = "url = \"" + server.url() + "\"\nca_file = \"" + server.file(ca) + "\"\n";
    return folder.write("gateway.toml", "[[source]]\nname = \"in\"\nkind = \"redis\"\nstream = \"orders\"\n" + at +
                                            "identity = \"id\"\n[[sink]]\nname = \"out\"\nkind = \"redis\"\n" +
                                            at +
                                            "[[route]]\nname = \"all\"\nfilter = \"#\"\nto = \"out\"\n"
                                            "topics = [[\"out/#\", \"#\"]]\n[dedup]\n" +
                                            at);
  }
  redis::RedisOptions options() const {
    redis::RedisOptions options;
    options.url = server.url();
    options.tls.ca_file = server.file("ca.crt");
    return options;
  }
};

// Claim:  source, sink and memory of a gateway speak TLS where their URLs say so.
// Method: two messages and the copy of one.
TEST_F(GatewayTls, CarriesEveryMessageOnce) {
  redis::RedisSinkOptions sending;
  sending.server = options();
  redis::RedisSink sink(std::move(sending));
  ASSERT_TRUE(sink.start());
  test::Confirms confirms;
  for (const std::string id : {"1", "1", "2"}) {
    Message message = test::message_of("orders", id);
    message.headers = {{"id", id}};
    ASSERT_EQ(sink.send(std::move(message), confirms.one()), SendResult::taken);
  }
  Program gateway({"run", config("ca.crt")});
  redis::RedisSourceOptions listening;
  listening.server = options();
  listening.stream = "out/orders";
  listening.consumer = "test";
  redis::RedisSource source(std::move(listening));
  test::Collector got;
  ASSERT_TRUE(source.start(got.settle(Settlement::done)));
  got.await_different(2);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(got.kept(), 2U);
  EXPECT_NE(outcome.out.find("source in: received 3, published 2, copies 1,"), std::string::npos) << outcome.out;
}

// Claim:  a server whose certificate another authority signed is not spoken to; the gateway ends, and says why.
// Method: the same configuration with another authority.
TEST_F(GatewayTls, EndsAtAServerThatIsNotTrusted) {
  const Outcome outcome = run_program({"run", config("other.crt")});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.out;
  EXPECT_NE((outcome.out + outcome.err).find("certificate verify failed"), std::string::npos)
      << outcome.out << outcome.err;
}

}  // namespace
}  // namespace headrace::program
