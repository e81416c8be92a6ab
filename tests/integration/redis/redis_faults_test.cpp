#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "../../conformance/adapter/collector.hpp"
#include "fault_proxy.hpp"
#include "gate.hpp"
#include "headrace/redis/redis_sink.hpp"
#include "headrace/redis/redis_source.hpp"
#include "redis_server.hpp"
#include "scripted_server.hpp"

namespace headrace::redis {
namespace {

using namespace test;
using std::chrono::milliseconds;

/// A source and a sink that reach the server through a proxy.
struct RedisFaults : testing::Test {
  RedisServer server;
  FaultProxy proxy{server.port()};
  Collector got;
  Confirms confirms;

  RedisOptions through_proxy(milliseconds command_timeout) const {
    RedisOptions options;
    options.url = "redis://127.0.0.1:" + std::to_string(proxy.port());
    options.command_timeout = options.connect_timeout = command_timeout;
    options.backoff = {milliseconds(1), milliseconds(5)};
    return options;
  }
  std::unique_ptr<RedisSource> source(milliseconds command_timeout) {
    RedisSourceOptions options;
    options.server = through_proxy(command_timeout);
    options.stream = "orders";
    options.consumer = "one";
    auto made = std::make_unique<RedisSource>(std::move(options));
    EXPECT_TRUE(made->start(got.settle(Settlement::done)));
    return made;
  }
  std::unique_ptr<RedisSink> sink(milliseconds command_timeout) {
    RedisSinkOptions options;
    options.server = through_proxy(command_timeout);
    auto made = std::make_unique<RedisSink>(std::move(options));
    EXPECT_TRUE(made->start());
    return made;
  }
  void send_numbers(RedisSink& to, int from, int until) {
    for (; from < until; ++from) {
      ASSERT_EQ(to.send(message_of("orders", std::to_string(from)), confirms.one()), SendResult::taken);
    }
  }
};

// Claim:  a connection that is reset after any number of bytes loses nothing: in the middle of a command, between
//         them, and in the middle of logging in.
// Method: every connection of both ends is reset after 1, 2, 4, … bytes from the client, then once more in
//         between; three hundred messages.
TEST_F(RedisFaults, ResetAfterAnyNumberOfBytesLosesNothing) {
  const auto from = source(milliseconds(5'000));
  const auto to = sink(milliseconds(5'000));
  send_numbers(*to, 0, 300);
  for (std::size_t bytes = 1; bytes < 20'000; bytes += bytes / 2 + 1) {
    proxy.reset_after(bytes);
    proxy.cut();
    const std::size_t before = proxy.connections();
    yield_until([&] { return proxy.connections() >= before + 2 || confirms.confirmed() == 300; });
  }
  proxy.reset_after(FaultProxy::npos);
  proxy.cut();
  confirms.await(300);
  got.await_different(300);
  EXPECT_EQ(confirms.failed(), 0U);
}

// Claim:  what a sink adds again after a broken connection is marked, for the server may have it; what it adds for the first
//         time is not.
// Method: a server that never answers about an entry, and a connection that is cut.
TEST_F(RedisFaults, WhatIsAddedAgainIsMarked) {
  ScriptedServer silent({"+OK\r\n"});
  FaultProxy between(silent.port());
  RedisSinkOptions options;
  options.server.url = "redis://127.0.0.1:" + std::to_string(between.port());
  options.server.command_timeout = milliseconds(250);
  options.server.backoff = {milliseconds(1), milliseconds(5)};
  RedisSink to(std::move(options));
  ASSERT_TRUE(to.start());
  send_numbers(to, 0, 1);
  EXPECT_EQ(silent.until_heard(0, "XADD").find(kAgainHeader), std::string::npos);
  between.cut();
  const std::string again = silent.until_heard(1, kAgainHeader);
  EXPECT_NE(again.find("header:" + std::string(kAgainHeader)), std::string::npos);
  to.stop(milliseconds(0));
}

// Claim:  a peer that neither answers nor closes is noticed, and everything goes on when it is back.
// Method: the proxy carries nothing until both ends say that they are not up any more.
TEST_F(RedisFaults, HalfOpenConnectionIsNoticed) {
  const auto from = source(milliseconds(250));
  const auto to = sink(milliseconds(250));
  send_numbers(*to, 0, 10);
  got.await_different(10);
  proxy.freeze(true);
  send_numbers(*to, 10, 20);
  yield_until([&] {
    return from->health().state == AdapterState::connecting && to->health().state == AdapterState::connecting;
  });
  proxy.freeze(false);
  got.await_different(20);
  confirms.await(20);
  EXPECT_EQ(confirms.failed(), 0U);
}

// Claim:  a slow line of tiny pieces carries everything.
// Method: seven bytes at a time, each a few milliseconds late.
TEST_F(RedisFaults, SlowLineCarriesEverything) {
  proxy.throttle(7);
  proxy.delay(milliseconds(2));
  const auto from = source(milliseconds(5'000));
  const auto to = sink(milliseconds(5'000));
  send_numbers(*to, 0, 20);
  got.await_different(20);
  confirms.await(20);
}

// Claim:  a server that takes nothing blocks the sink: it says so once, on the same connection, and not that it is up
//         until something was taken; then everything goes out in order, and nothing is refused.
// Method: a server without memory for more; messages before, while and after it is; what health said.
TEST_F(RedisFaults, ServerWithoutMemoryBlocksTheSink) {
  std::mutex mutex;
  std::vector<AdapterState> states;
  RedisSinkOptions options;
  options.server = through_proxy(milliseconds(5'000));
  options.server.on_health = [&](const Health& health) {
    const std::scoped_lock lock(mutex);
    states.push_back(health.state);
  };
  RedisSink to(options);
  ASSERT_TRUE(to.start());
  send_numbers(to, 0, 10);
  confirms.await(10);
  ASSERT_EQ(ask(server.port(), "CONFIG SET maxmemory 1\r\n"), "+OK\r\n");
  send_numbers(to, 10, 200);
  yield_until([&] { return to.health().state == AdapterState::blocked; });
  send_numbers(to, 200, 300);
  ASSERT_EQ(ask(server.port(), "CONFIG SET maxmemory 0\r\n"), "+OK\r\n");
  confirms.await(300);
  const auto from = source(milliseconds(5'000));
  got.await_different(300);
  EXPECT_EQ(confirms.failed(), 0U);
  int expected = 300;
  const auto all = got.take();
  for (auto at = all.rbegin(); at != all.rend(); ++at) {  // what was stored twice counts where it stands last
    const int number = std::stoi(body_text(at->message));
    if (number >= expected) continue;
    EXPECT_EQ(number, --expected);
  }
  EXPECT_EQ(to.health().connections, 1U);
  EXPECT_EQ(to.stop(milliseconds(0)), 0U);
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(states, (std::vector{AdapterState::connecting, AdapterState::up, AdapterState::blocked,
                                 AdapterState::up, AdapterState::idle}));
}

}  // namespace
}  // namespace headrace::redis
