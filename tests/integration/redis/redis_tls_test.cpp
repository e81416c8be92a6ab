#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../conformance/adapter/collector.hpp"
#include "certificates.hpp"
#include "gate.hpp"
#include "headrace/redis/redis_dedup_store.hpp"
#include "headrace/redis/redis_sink.hpp"
#include "headrace/redis/redis_source.hpp"
#include "server_process.hpp"
#include "tls_redis_server.hpp"

namespace headrace::redis {
namespace {

struct TlsRedis : test::TlsRedisServer {
  using TlsRedisServer::TlsRedisServer;
  [[nodiscard]] RedisOptions options(const std::string& host = "localhost") const {
    RedisOptions options;
    options.url = url(host);
    options.tls.ca_file = file("ca.crt");
    options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
    return options;
  }
};

/// How a source stands once it has connected, or has given up.
Health health_with(RedisOptions options) {
  RedisSourceOptions source_options;
  source_options.server = std::move(options);
  source_options.stream = "orders";
  source_options.consumer = "one";
  RedisSource source(std::move(source_options));
  test::Collector got;
  const Status started = source.start(got.keep());
  EXPECT_TRUE(started) << started.error().message();
  test::yield_until([&] { return source.health().state != AdapterState::connecting; });
  return source.health();
}

// Claim:  under TLS a sink, a source and a store of done events work as without; large bodies, too.
// Method: a megabyte and a thousand small messages.
TEST(RedisTls, CarriesEveryMessage) {
  const TlsRedis server;
  RedisSinkOptions sink_options;
  sink_options.server = server.options();
  RedisSink sink(std::move(sink_options));
  ASSERT_TRUE(sink.start());
  test::Confirms confirms;
  std::string large(1'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 97) large[i] = static_cast<char>(i);
  ASSERT_EQ(sink.send(test::message_of("orders", large), confirms.one()), SendResult::taken);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(sink.send(test::message_of("orders", std::to_string(i)), confirms.one()), SendResult::taken);
  }
  confirms.await(1'001);
  EXPECT_EQ(confirms.failed(), 0U);
  RedisSourceOptions source_options;
  source_options.server = server.options();
  source_options.stream = "orders";
  source_options.consumer = "one";
  RedisSource source(std::move(source_options));
  test::Collector got;
  ASSERT_TRUE(source.start(got.settle(Settlement::done)));
  got.await_different(1'001);
  EXPECT_TRUE(got.bodies().contains(large));
  EXPECT_EQ(source.stop(std::chrono::hours(1)), 0U);
}

// Claim:  only a server with a certificate that the CA signed, for the name that is expected, is spoken to; any other
//         ends the attempts. The name is the URL's host unless told otherwise.
// Method: the right CA and name; another CA; another host, without and with the name told.
TEST(RedisTls, OnlyTheExpectedServerIsTrusted) {
  const TlsRedis server;
  EXPECT_EQ(health_with(server.options()).state, AdapterState::up);
  RedisOptions other_ca = server.options();
  other_ca.tls.ca_file = server.file("other.crt");
  EXPECT_EQ(health_with(std::move(other_ca)).state, AdapterState::gave_up);
  RedisOptions other_name = server.options("127.0.0.1");
  const Health refused = health_with(other_name);
  EXPECT_EQ(refused.state, AdapterState::gave_up);
  EXPECT_NE(refused.reason.find("mismatch"), std::string::npos) << refused.reason;
  other_name.tls.server_name = "localhost";
  EXPECT_EQ(health_with(std::move(other_name)).state, AdapterState::up);
}

// Claim:  a server that asks for certificates knows us by ours; without one, and with one that it does not trust, the
//         attempts end.
// Method: all three.
TEST(RedisTls, ServersMayAskForOurCertificate) {
  const TlsRedis server("yes");
  const auto with = [&](const std::string& name) {
    RedisOptions options = server.options();
    if (!name.empty()) {
      options.tls.certificate_file = server.file(name + ".crt");
      options.tls.key_file = server.file(name + ".key");
    }
    return health_with(std::move(options)).state;
  };
  EXPECT_EQ(with("server"), AdapterState::up);
  EXPECT_EQ(with(""), AdapterState::gave_up);
  EXPECT_EQ(with("stranger"), AdapterState::gave_up);
}

// Claim:  files that are not there, or do not fit, are told at the start.
// Method: a CA that is missing; a key without a certificate; a key of another certificate.
TEST(RedisTls, UnsoundFilesAreToldAtTheStart) {
  test::ServerProcess files;
  test::make_certificates(files, "ca", "one");
  test::make_certificates(files, "other", "two");
  const auto start_with = [&](const RedisTls& tls) {
    RedisSinkOptions options;
    options.server.url = "rediss://localhost:1";
    options.server.tls = tls;
    RedisSink sink(std::move(options));
    const Status started = sink.start();
    return started ? std::string() : started.error().message();
  };
  const std::string ca = files.path("ca.crt");
  EXPECT_NE(start_with({.ca_file = files.path("missing")}).find("cannot read the trusted certificates"),
            std::string::npos);
  EXPECT_NE(start_with({.ca_file = ca, .key_file = files.path("one.key")}).find("go together"), std::string::npos);
  EXPECT_NE(
      start_with({.ca_file = ca, .certificate_file = files.path("one.crt"), .key_file = files.path("two.key")})
          .find("cannot use the key"),
      std::string::npos);
}

}  // namespace
}  // namespace headrace::redis
