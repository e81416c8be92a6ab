#include <csignal>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "fault_proxy.hpp"
#include "mosquitto.hpp"
#include "mqtt_world.hpp"

namespace headrace::mqtt {
namespace {

/// A broker with TLS, its certificate for localhost signed by `ca`, and what `more` says of clients'.
class TlsBroker {
 public:
  explicit TlsBroker(const std::string& more = "") : port_(test::free_port()) {
    test::make_certificates(files_, "ca", "broker");
    test::make_certificates(files_, "other", "stranger");
    broker_ = std::make_unique<test::Mosquitto>(
        "allow_anonymous true\nlistener " + std::to_string(port_) + " 127.0.0.1\ncafile " + file("ca.crt") +
            "\ncertfile " + file("broker.crt") + "\nkeyfile " + file("broker.key") + "\n" + more,
        test::Mosquitto::Keeps::nothing);
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string file(std::string_view name) const { return files_.path(name); }
  [[nodiscard]] MqttOptions options(std::string client_id, const std::string& host = "localhost") const {
    MqttOptions options = broker_options("mqtts://" + host + ":" + std::to_string(port_), std::move(client_id));
    options.tls.ca_file = file("ca.crt");
    return options;
  }

 private:
  const std::uint16_t port_;
  test::ServerProcess files_;
  std::unique_ptr<test::Mosquitto> broker_;
};

/// How a sink stands once it has connected, or has given up.
Health outcome_of(MqttOptions options) {
  const auto sink = sink_of(std::move(options));
  test::yield_until([&] { return sink->health().state != AdapterState::connecting; });
  return sink->health();
}

// Claim:  under TLS messages arrive as they were sent, small ones and large ones, also where the line
//         carries a few bytes at a time.
// Method: a source whose handshake comes in pieces of seven bytes; a megabyte, and a thousand numbers.
TEST(MqttTls, CarriesEveryMessage) {
  const TlsBroker broker;
  test::FaultProxy slow(broker.port());
  test::Collector got;
  test::Confirms confirms;
  MqttOptions of = broker.options("source");
  of.url = "mqtts://localhost:" + std::to_string(slow.port());
  slow.throttle(7);
  const auto source = source_of(of, "a/#", got.settle(Settlement::done));  // up: its handshake came in pieces
  slow.throttle(test::FaultProxy::npos);
  const auto sink = sink_of(broker.options("sink"));
  std::string large(1'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 97) large[i] = static_cast<char>(i);
  ASSERT_EQ(sink->send(test::message_of("a/large", large), confirms.one()), SendResult::taken);
  send_numbers(*sink, confirms, 0, 1'000);
  confirms.await(1'001);
  got.await_different(1'001);
  EXPECT_EQ(confirms.failed(), 0U);
  EXPECT_TRUE(got.bodies().contains(large));
}

// Claim:  a connection that is cut anywhere, in the handshake too, loses nothing.
// Method: every connection of both ends is reset after 1, 2, 4, … bytes from the client; a hundred messages.
TEST(MqttTls, ResetAnywhereLosesNothing) {
  const TlsBroker broker;
  test::FaultProxy proxy(broker.port());
  const auto through = [&](const char* id) {
    MqttOptions options = broker.options(id);
    options.url = "mqtts://localhost:" + std::to_string(proxy.port());
    return options;
  };
  test::Collector got;
  test::Confirms confirms;
  const auto source = source_of(through("source"), "a/#", got.settle(Settlement::done));
  const auto sink = sink_of(through("sink"));
  send_numbers(*sink, confirms, 0, 100);
  for (std::size_t bytes = 1; bytes < 5'000; bytes += bytes / 2 + 1) {
    proxy.reset_after(bytes);
    proxy.cut();
    const std::size_t before = proxy.connections();
    test::yield_until([&] { return proxy.connections() >= before + 2 || confirms.confirmed() == 100; });
  }
  proxy.reset_after(test::FaultProxy::npos);
  proxy.cut();
  confirms.await(100);
  got.await_different(100);
  EXPECT_EQ(confirms.failed(), 0U);
}

// Claim:  a broker whose certificate nobody trusted has signed, or that is of another name, is refused for good; with
//         the right name said beside the address it is not.
// Method: each in turn.
TEST(MqttTls, OnlyTheExpectedBrokerIsTrusted) {
  const TlsBroker broker;
  EXPECT_EQ(outcome_of(broker.options("id")).state, AdapterState::up);
  MqttOptions wrong_ca = broker.options("id");
  wrong_ca.tls.ca_file = broker.file("other.crt");
  MqttOptions wrong_name = broker.options("id");
  wrong_name.tls.server_name = "elsewhere";
  for (const MqttOptions& wrong : {wrong_ca, wrong_name, broker.options("id", "127.0.0.1")}) {
    const Health health = outcome_of(wrong);
    EXPECT_EQ(health.state, AdapterState::gave_up);
    EXPECT_NE(health.reason.find("certificate verify failed"), std::string::npos) << health.reason;
  }
  MqttOptions by_address = broker.options("id", "127.0.0.1");
  by_address.tls.server_name = "localhost";
  EXPECT_EQ(outcome_of(by_address).state, AdapterState::up);
}

// Claim:  a broker that wants to know its clients is shown a certificate; without one, or with a stranger's, the sink
//         gives up.
// Method: each in turn.
TEST(MqttTls, ClientShowsItsCertificate) {
  const TlsBroker broker("require_certificate true\n");
  MqttOptions known = broker.options("id");
  known.tls.certificate_file = broker.file("broker.crt");
  known.tls.key_file = broker.file("broker.key");
  EXPECT_EQ(outcome_of(known).state, AdapterState::up);
  MqttOptions stranger = known;
  stranger.tls.certificate_file = broker.file("stranger.crt");
  stranger.tls.key_file = broker.file("stranger.key");
  for (const MqttOptions& wrong : {broker.options("id"), stranger}) {
    const Health health = outcome_of(wrong);
    EXPECT_EQ(health.state, AdapterState::gave_up) << health.reason;
  }
}

// Claim:  files that are not there, or do not fit each other, are found by start().
// Method: a table.
TEST(MqttTls, FilesAreLookedAtFirst) {
  test::ServerProcess files;
  test::make_certificates(files, "ca", "one");
  test::make_certificates(files, "other", "two");
  const std::pair<std::function<void(MqttTls&)>, std::string> table[] = {
      {[](MqttTls& tls) { tls.ca_file = "/nowhere"; }, "cannot read the trusted certificates of /nowhere"},
      {[&](MqttTls& tls) { tls.certificate_file = files.path("one.crt"); }, "go together"},
      {[&](MqttTls& tls) { tls.certificate_file = tls.key_file = "/nowhere"; }, "cannot read the certificate"},
      {[&](MqttTls& tls) {
         tls.certificate_file = files.path("one.crt");
         tls.key_file = files.path("two.key");
       },
       "cannot use the key"}};
  for (const auto& [change, part] : table) {
    MqttSinkOptions options;
    options.broker = broker_options("mqtts://localhost", "id");
    options.broker.tls.ca_file = files.path("ca.crt");
    change(options.broker.tls);
    MqttSink sink(std::move(options));
    const Status started = sink.start();
    ASSERT_FALSE(started) << part;
    EXPECT_NE(started.error().message().find(part), std::string::npos) << started.error().message();
  }
}

}  // namespace
}  // namespace headrace::mqtt
