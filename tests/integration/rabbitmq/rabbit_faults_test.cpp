#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>

#include "fault_proxy.hpp"
#include "rabbit_world.hpp"

namespace headrace::rabbitmq {
namespace {

using std::chrono::milliseconds;
using test::message_of;
using test::RabbitWorld;

constexpr const char* kRabbitSecret = "canary-4711";

/// What a source or sink says over time, in one text.
struct RabbitWatch {
  std::mutex mutex;
  std::string text;
  HealthBoard::Changed watch() {
    return [this](const Health& health) {
      const std::scoped_lock lock(mutex);
      text += std::string(to_string(health.state)) + ": " + health.reason + "\n";
    };
  }
};

// Claim:  wrong credentials give up at the first attempt, and stand in no message; neither do those of a bad URL.
// Method: a wrong password at both ends; everything they say.
TEST(RabbitFaults, WrongCredentialsGiveUpAndStaySecret) {
  RabbitWatch watched;
  ::setenv("HEADRACE_RABBIT_SECRET", kRabbitSecret, 1);
  RabbitSourceOptions of = test::source_of("q", {});
  of.server.password_variable = "HEADRACE_RABBIT_SECRET";
  of.server.on_health = watched.watch();
  const auto source = test::rabbit_source(std::move(of), [](ReceivedMessage&&) {});
  RabbitSinkOptions to = test::sink_to("", {});
  to.server.url = "amqp://guest:" + std::string(kRabbitSecret) +
                  "@127.0.0.1:" + std::to_string(RabbitWorld::get().server().port());
  to.server.on_health = watched.watch();
  const auto sink = test::rabbit_sink(std::move(to));
  EXPECT_EQ(source->health().state, AdapterState::gave_up);
  EXPECT_EQ(sink->health().state, AdapterState::gave_up);
  EXPECT_NE(sink->health().reason.find("ACCESS_REFUSED"), std::string::npos) << sink->health().reason;
  RabbitOptions bad;
  const std::scoped_lock lock(watched.mutex);  // the ends may still be saying that they gave up
  for (const char* url :
       {"amqp://canary-4711", "amqp://u:canary-4711@h:x", "http://u:canary-4711@h", "amqp://u:canary-4711@h/"}) {
    bad.url = url;
    const auto address = RabbitAddress::of(bad);
    watched.text += address ? address->text() : address.error().message();
  }
  const std::size_t host = watched.text.find("rabbitmq canary-4711:5672");  // that one was a host
  ASSERT_NE(host, std::string::npos);
  watched.text.erase(host, 25);
  EXPECT_EQ(watched.text.find("4711"), std::string::npos) << watched.text;
}

// Claim:  TLS accepts the server that its CA vouches for under the URL's name, and nobody else.
// Method: the right CA and name; another CA; the right CA with a name that the certificate does not have; the same
//         without looking at names.
TEST(RabbitFaults, TlsIsVerified) {
  const RabbitWorld& world = RabbitWorld::get();
  const struct {
    std::string host;
    std::string ca;
    TlsVerify verify;
    bool up;
  } table[] = {{"localhost", "ca.crt", TlsVerify::chain_and_name, true},
               {"localhost", "other-ca.crt", TlsVerify::chain_and_name, false},
               {"127.0.0.1", "ca.crt", TlsVerify::chain_and_name, false},
               {"127.0.0.1", "ca.crt", TlsVerify::chain, true}};
  for (const auto& row : table) {
    RabbitSinkOptions options = test::sink_to("", Topology::queue_with_dead_letters("tls"));
    options.server.url = world.tls_url(row.host);
    options.server.tls.ca_file = world.file(row.ca);
    options.server.tls.verify = row.verify;
    RabbitSink sink(std::move(options));
    ASSERT_TRUE(sink.start());
    // One that is to come up may be late at first; one that is not says why.
    test::yield_until([&] {
      const Health health = sink.health();
      return health.state == AdapterState::up || (!row.up && !health.reason.empty());
    });
    EXPECT_EQ(sink.health().state == AdapterState::up, row.up)
        << row.host << " " << row.ca << ": " << sink.health().reason;
    if (!row.up) continue;
    EXPECT_TRUE(test::send_and_wait(sink, message_of("tls", std::string(100'000, 'x'))));
  }
}

// Claim:  a connection that is reset after any number of bytes loses nothing: while logging in, declaring, in the
//         middle of a message.
// Method: every connection of both ends is reset after 8, 16, 32, … bytes from the client; three hundred messages.
TEST(RabbitFaults, ResetAfterAnyNumberOfBytesLosesNothing) {
  test::FaultProxy proxy(RabbitWorld::get().server().port());
  const Topology topology = Topology::queue_with_dead_letters("reset");
  test::Collector got;
  test::Confirms confirms;
  RabbitSourceOptions of = test::source_of("reset", topology);
  RabbitSinkOptions to = test::sink_to("", topology);
  of.server.url = to.server.url = "amqp://127.0.0.1:" + std::to_string(proxy.port());
  const auto source = test::rabbit_source(std::move(of), got.settle(Settlement::done));
  const auto sink = test::rabbit_sink(std::move(to));
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(sink->send(message_of("reset", std::to_string(i)), confirms.one()), SendResult::taken);
  }
  for (std::size_t bytes = 8; bytes < 20'000; bytes += bytes) {
    proxy.reset_after(bytes);
    proxy.cut();
    const std::size_t before = proxy.connections();
    test::yield_until([&] { return proxy.connections() >= before + 2 || confirms.confirmed() == 300; });
  }
  proxy.reset_after(test::FaultProxy::npos);
  proxy.cut();
  confirms.await(300);
  got.await_different(300);
  EXPECT_EQ(confirms.failed(), 0U);
}

// Claim:  a peer that neither answers nor closes is found by its missing heartbeats, and everything goes on
//         afterwards.
// Method: the proxy carries nothing until both ends say that they are not up any more.
TEST(RabbitFaults, HalfOpenConnectionIsFoundByHeartbeats) {
  test::FaultProxy proxy(RabbitWorld::get().server().port());
  const Topology topology = Topology::queue_with_dead_letters("half-open");
  test::Collector got;
  RabbitSourceOptions of = test::source_of("half-open", topology);
  RabbitSinkOptions to = test::sink_to("", topology);
  of.server.url = to.server.url = "amqp://127.0.0.1:" + std::to_string(proxy.port());
  of.server.heartbeat = to.server.heartbeat = std::chrono::seconds(1);
  of.server.answer_timeout = to.server.answer_timeout = milliseconds(1'000);
  const auto source = test::rabbit_source(std::move(of), got.settle(Settlement::done));
  const auto sink = test::rabbit_sink(std::move(to));
  proxy.freeze(true);
  test::yield_until(
      [&] { return source->health().state != AdapterState::up && sink->health().state != AdapterState::up; });
  proxy.cut();
  proxy.freeze(false);
  EXPECT_TRUE(test::send_and_wait(*sink, message_of("half-open", "x")));
  got.await(1);
}

// Claim:  while the server's alarm is on, the sink says that it is blocked and keeps what it has; then it goes on.
// Method: no memory is enough, as rabbitmqctl says, until it is again.
TEST(RabbitFaults, AlarmOfTheServerBlocksTheSink) {
  test::RabbitServer& server = RabbitWorld::get().server();
  const auto sink = test::rabbit_sink(test::sink_to("", Topology::queue_with_dead_letters("alarm")));
  server.control({"set_vm_memory_high_watermark", "0"});
  test::Confirms confirms;
  ASSERT_EQ(sink->send(message_of("alarm", "1"), confirms.one()), SendResult::taken);
  test::yield_until([&] { return sink->health().state == AdapterState::blocked; });
  EXPECT_NE(sink->health().reason.find("memory"), std::string::npos) << sink->health().reason;
  ASSERT_EQ(sink->send(message_of("alarm", "2"), confirms.one()), SendResult::taken);
  server.control({"set_vm_memory_high_watermark", "0.9"});
  confirms.await(2);
  EXPECT_EQ(confirms.confirmed(), 2U);
  EXPECT_EQ(sink->health().state, AdapterState::up);
}

// Claim:  a message for which the server closes the channel is answered with an error that no retry helps, and the
//         others go on, however many there are.
// Method: two headers that the server wants to be arrays, each in the middle of three hundred messages.
TEST(RabbitFaults, MessageThatClosesTheChannelIsAnsweredAlone) {
  const Topology topology = Topology::queue_with_dead_letters("closing");
  test::Collector got;
  test::Confirms confirms;
  std::atomic<int> refused{0};
  const auto source = test::rabbit_source(test::source_of("closing", topology), got.settle(Settlement::done));
  const auto sink = test::rabbit_sink(test::sink_to("", topology));
  for (int i = 0; i < 300; ++i) {
    if (i == 100 || i == 200) {
      Message bad = message_of("closing", "bad");
      bad.headers = {{i == 100 ? "CC" : "BCC", "elsewhere"}};
      ASSERT_EQ(sink->send(std::move(bad),
                           [&refused](const Status& status) {
                             refused += !status && status.error().retry == Error::Retry::no;
                           }),
                SendResult::taken);
    }
    ASSERT_EQ(sink->send(message_of("closing", std::to_string(i)), confirms.one()), SendResult::taken);
  }
  confirms.await(300);
  got.await_different(300);
  EXPECT_EQ(confirms.failed(), 0U);
  EXPECT_EQ(refused.load(), 2);
  EXPECT_FALSE(got.bodies().contains("bad"));
}

// Claim:  where the server refuses every publish, though the exchange is there, each message is answered.
// Method: an exchange that only the server itself may publish to.
TEST(RabbitFaults, MessagesThatMayNotBePublishedAreAnswered) {
  const auto sink = test::rabbit_sink(test::sink_to("amq.rabbitmq.trace", {}));
  test::Confirms confirms;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(sink->send(message_of("a", "x"), confirms.one()), SendResult::taken);
  confirms.await(5);
  EXPECT_EQ(confirms.failed(), 5U);
  const Status answer = test::send_and_wait(*sink, message_of("a", "x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().retry, Error::Retry::no);
  EXPECT_NE(answer.error().message().find("403"), std::string::npos) << answer.error().message();
}

// Claim:  no more than unsettled_max are out after a pause either, though the server counts for each consumer anew; and
//         as many as that are again, once there is room.
// Method: a source with four out pauses until another consumer has its turn, goes on, and gets answers one by one.
TEST(RabbitFaults, PausedSourceDoesNotTakeMoreThanItMay) {
  Topology topology = Topology::queue_with_dead_letters("pausing");
  for (Queue& queue : topology.queues) queue.single_active_consumer = queue.name == "pausing";
  std::atomic<int> out{0};
  std::atomic<int> most{0};
  test::Collector got;
  test::Collector other;
  RabbitSourceOptions options = test::source_of("pausing", topology);
  options.unsettled_max = 4;
  const auto source = test::rabbit_source(options, [&, keep = got.keep()](ReceivedMessage&& received) {
    most = std::max(most.load(), ++out);
    keep(std::move(received));
  });
  const auto settle = [&](ReceivedMessage& received) {
    --out;
    received.settle(Settlement::done);
  };
  const auto sink = test::rabbit_sink(test::sink_to("", topology));
  test::Confirms confirms;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(sink->send(message_of("pausing", std::to_string(i)), confirms.one()), SendResult::taken);
  }
  got.await(4);
  auto held = got.take();
  source->pause();
  options.unsettled_max = 1;
  auto second = test::rabbit_source(options, other.keep());
  other.await(1);
  (void)second->stop(milliseconds(0));
  second.reset();
  source->resume();
  settle(held[0]);
  got.await(1);
  for (std::size_t i = 1; i < 4; ++i) settle(held[i]);
  got.await(4);
  while (got.bodies().size() < 20 || got.kept() > 0) {
    for (ReceivedMessage& received : got.take()) settle(received);
    if (got.bodies().size() < 20) got.await(1);
  }
  EXPECT_LE(most.load(), 4);
}

}  // namespace
}  // namespace headrace::rabbitmq
