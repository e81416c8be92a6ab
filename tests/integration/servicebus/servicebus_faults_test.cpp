#include <atomic>
#include <mutex>

#include "certificates.hpp"
#include "fault_proxy.hpp"
#include "servicebus_world.hpp"

namespace headrace::servicebus {
namespace {

using std::chrono::milliseconds;
using test::Collector;
using test::Confirms;
using test::FaultProxy;
using test::message_of;
using test::ServiceBusEmulator;
using ServiceBusFaults = test::ServiceBusTest;

// Claim:  a wrong key and an entity that is not there give up at the first attempt and say why; the key is in no word
//         of theirs.
// Method: both, at both ends; everything that they say.
TEST_F(ServiceBusFaults, WrongKeysAndMissingEntitiesGiveUp) {
  const ServiceBusEmulator emulator;
  std::mutex mutex;
  std::string said;
  const auto watch = [&](const Health& health) {
    const std::scoped_lock lock(mutex);
    said += health.reason + "\n";
  };
  std::string wrong = emulator.connection_string();
  wrong.insert(wrong.find("SharedAccessKey=") + 16, "canary4711");
  for (const auto& [login, entity, words] :
       {std::tuple<std::string, std::string, std::string>{wrong, "orders", "401"},
        {emulator.connection_string(), "nowhere", "amqp:not-found"}}) {
    ServiceBusSourceOptions of = test::servicebus_from(login, entity);
    ServiceBusSinkOptions to = test::servicebus_to(login, entity);
    of.server.on_health = to.server.on_health = watch;
    const auto source = test::servicebus_source(std::move(of), [](ReceivedMessage&&) {});
    const auto sink = test::servicebus_sink(std::move(to));
    EXPECT_EQ(source->health().state, AdapterState::gave_up);
    EXPECT_EQ(sink->health().state, AdapterState::gave_up);
    EXPECT_NE(sink->health().reason.find(words), std::string::npos) << sink->health().reason;
  }
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(said.find("4711"), std::string::npos) << said;
  EXPECT_EQ(said.find(ServiceBusEmulator::kKey), std::string::npos) << said;
}

// Claim:  TLS accepts the server that its CA vouches for under the connection string's name, and nobody else, which
//         gives up.
// Method: the right CA and name; another CA; the right CA with a name that the certificate does not have.
TEST_F(ServiceBusFaults, TlsIsVerified) {
  const test::ServerProcess files;
  test::make_certificates(files, "ca", "server");
  test::make_certificates(files, "other-ca", "other");
  const ServiceBusEmulator emulator(R"("queues": {"orders": {}}, "tls": {"key": ")" + files.path("server.key") +
                                    R"(", "certificate": ")" + files.path("server.crt") + R"("})");
  const std::tuple<std::string, std::string, bool> table[] = {
      {"localhost", "ca.crt", true}, {"localhost", "other-ca.crt", false}, {"127.0.0.1", "ca.crt", false}};
  for (const auto& [host, ca, good] : table) {
    ServiceBusSinkOptions options = test::servicebus_to(
        "Endpoint=sb://" + host + ":" + std::to_string(emulator.port()) +
            ";SharedAccessKeyName=root;SharedAccessKey=" + std::string(ServiceBusEmulator::kKey),
        "orders");
    options.server.ca_file = files.path(ca);
    const auto sink = test::servicebus_sink(std::move(options));
    EXPECT_EQ(sink->health().state, good ? AdapterState::up : AdapterState::gave_up)
        << host << " " << ca << ": " << sink->health().reason;
    if (!good) continue;
    EXPECT_TRUE(test::send_and_wait(*sink, message_of("t", std::string(100'000, 'x'))));
  }
}

// Claim:  a connection that is reset after any number of bytes loses nothing: while logging in, opening links, in the
//         middle of a message; and with duplicate detection nothing is in the queue twice.
// Method: the sink's connections are reset after 8, 16, 32, … bytes from the client; three hundred messages, received
//         afterwards.
TEST_F(ServiceBusFaults, ResetAfterAnyNumberOfBytesLosesAndDoublesNothing) {
  const ServiceBusEmulator emulator(R"("queues": {"once": {"duplicatesMs": 600000}})");
  FaultProxy proxy(emulator.port());
  Collector got;
  Confirms confirms;
  const auto sink =
      test::servicebus_sink(test::servicebus_to(ServiceBusEmulator::connection_string(proxy.port()), "once"));
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(sink->send(message_of("t", std::to_string(i)), confirms.one()), SendResult::taken);
  }
  for (std::size_t bytes = 8; bytes < 20'000; bytes += bytes) {
    proxy.reset_after(bytes);
    proxy.cut();
    const std::size_t before = proxy.connections();
    test::yield_until([&] { return proxy.connections() >= before + 2 || confirms.confirmed() == 300; });
  }
  proxy.reset_after(FaultProxy::npos);
  proxy.cut();
  confirms.await(300);
  EXPECT_EQ(confirms.failed(), 0U);
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "once"),
                                              got.settle(Settlement::done));
  got.await_different(300);
  EXPECT_EQ(got.kept(), 300U);
}

// Claim:  what a source's broken connection had fetched comes again when its lock has run out, marked; outcomes of the
//         first copies do nothing; and resets after any number of bytes lose nothing.
// Method: a hundred messages; the connection is cut while ten of them are out, and then again and again.
TEST_F(ServiceBusFaults, BrokenSourceGetsEverythingInTheEnd) {
  const ServiceBusEmulator emulator(R"("queues": {"q": {"lockMs": 500, "deliveriesMax": 1000}})");
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "q"));
  Confirms confirms;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(sink->send(message_of("t", std::to_string(i)), confirms.one()), SendResult::taken);
  }
  confirms.await(100);
  FaultProxy proxy(emulator.port());
  Collector held;
  Collector got;
  std::atomic<bool> broken{false};
  ServiceBusSourceOptions of = test::servicebus_from(ServiceBusEmulator::connection_string(proxy.port()), "q");
  of.unsettled_max = 10;
  ServiceBusSource source(std::move(of));
  ASSERT_TRUE(
      source.start([&, hold = held.keep(), settle = got.settle(Settlement::done)](ReceivedMessage&& delivery) {
        broken ? settle(std::move(delivery)) : hold(std::move(delivery));
      }));
  held.await(10);
  broken = true;
  for (std::size_t bytes = 500; bytes < 20'000; bytes += bytes) {
    const std::size_t before = proxy.connections();
    proxy.reset_after(bytes);
    proxy.cut();
    test::yield_until([&] { return proxy.connections() > before; });
  }
  proxy.reset_after(FaultProxy::npos);
  proxy.cut();
  for (ReceivedMessage& late : held.take()) late.settle(Settlement::reject);
  got.await_different(100);
  for (const ReceivedMessage& delivery : got.take()) {
    const bool was_held = std::stoi(test::body_text(delivery.message)) < 10;
    EXPECT_TRUE(delivery.redelivered || !was_held);
  }
}

// Claim:  a peer that neither answers nor closes is found by its silence, and everything goes on afterwards.
// Method: the proxy carries nothing until both ends say that they are not up any more.
TEST_F(ServiceBusFaults, HalfOpenConnectionIsFoundByHeartbeats) {
  const ServiceBusEmulator emulator;
  FaultProxy proxy(emulator.port());
  Collector got;
  ServiceBusSourceOptions of =
      test::servicebus_from(ServiceBusEmulator::connection_string(proxy.port()), "orders");
  ServiceBusSinkOptions to = test::servicebus_to(ServiceBusEmulator::connection_string(proxy.port()), "orders");
  of.server.heartbeat = to.server.heartbeat = std::chrono::seconds(1);
  of.server.answer_timeout = to.server.answer_timeout = milliseconds(1'000);
  const auto source = test::servicebus_source(std::move(of), got.settle(Settlement::done));
  const auto sink = test::servicebus_sink(std::move(to));
  proxy.freeze(true);
  test::yield_until(
      [&] { return source->health().state != AdapterState::up && sink->health().state != AdapterState::up; });
  proxy.cut();
  proxy.freeze(false);
  EXPECT_TRUE(test::send_and_wait(*sink, message_of("t", "x")));
  got.await(1);
}

// Claim:  what a busy server refuses is kept, and sent again before the rest, after a pause in which nothing is sent.
// Method: an entity that refuses the first five messages of fifty, one at a time on their way; their order, and what
//         health said.
TEST_F(ServiceBusFaults, BusyServerBlocksTheSink) {
  const ServiceBusEmulator emulator(R"("queues": {"q": {"busy": 5}})");
  std::atomic<bool> was_blocked{false};
  ServiceBusSinkOptions to = test::servicebus_to(emulator.connection_string(), "q");
  to.busy_pause = milliseconds(50);
  to.buffer.window = 1;
  to.server.on_health = [&](const Health& health) {
    if (health.state == AdapterState::blocked) was_blocked = true;
  };
  const auto sink = test::servicebus_sink(std::move(to));
  Confirms confirms;
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(sink->send(message_of("t", std::to_string(i)), confirms.one()), SendResult::taken);
  }
  confirms.await(50);
  EXPECT_EQ(confirms.failed(), 0U);
  EXPECT_TRUE(was_blocked);
  EXPECT_EQ(sink->health().state, AdapterState::up);
  EXPECT_EQ(sink->health().connections, 1U);
  Collector got;
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "q"),
                                              got.settle(Settlement::done));
  got.await_different(50);
  const auto all = got.take();
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(test::body_text(all[i].message), std::to_string(i));
}

}  // namespace
}  // namespace headrace::servicebus
