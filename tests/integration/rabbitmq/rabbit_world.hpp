#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "../../conformance/adapter/collector.hpp"
#include "certificates.hpp"
#include "gate.hpp"
#include "headrace/rabbitmq/rabbit_sink.hpp"
#include "headrace/rabbitmq/rabbit_source.hpp"
#include "rabbit_server.hpp"

namespace headrace::test {

/// The server of the whole program, with a certificate for localhost that its own CA signed. Tests use names of
/// their own.
class RabbitWorld {
 public:
  static RabbitWorld& get() {
    static RabbitWorld world;
    return world;
  }
  RabbitServer& server() { return *server_; }
  [[nodiscard]] rabbitmq::RabbitOptions options() const {
    rabbitmq::RabbitOptions options;
    options.url = server_->url();
    options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
    return options;
  }
  [[nodiscard]] std::string tls_url(const std::string& host) const {
    return "amqps://" + host + ":" + std::to_string(tls_port_);
  }
  [[nodiscard]] std::string file(std::string_view name) const { return files_.path(name); }

 private:
  RabbitWorld() {
    make_certificates(files_, "ca", "server");
    make_certificates(files_, "other-ca", "other");
    server_ = std::make_unique<RabbitServer>("listeners.ssl.default = 127.0.0.1:" + std::to_string(tls_port_) +
                                             "\nssl_options.cacertfile = " + file("ca.crt") +
                                             "\nssl_options.certfile = " + file("server.crt") +
                                             "\nssl_options.keyfile = " + file("server.key") + "\n");
    server_->start();
  }
  ServerProcess files_;  ///< a folder; no process
  std::uint16_t tls_port_ = free_port();
  std::unique_ptr<RabbitServer> server_;
};

inline std::unique_ptr<rabbitmq::RabbitSource> rabbit_source(rabbitmq::RabbitSourceOptions options,
                                                             Source::Deliver deliver) {
  auto source = std::make_unique<rabbitmq::RabbitSource>(std::move(options));
  const Status started = source->start(std::move(deliver));
  EXPECT_TRUE(started) << started.error().message();
  yield_until([&] { return source->health().state != AdapterState::connecting; });
  return source;
}

inline std::unique_ptr<rabbitmq::RabbitSink> rabbit_sink(rabbitmq::RabbitSinkOptions options) {
  auto sink = std::make_unique<rabbitmq::RabbitSink>(std::move(options));
  const Status started = sink->start();
  EXPECT_TRUE(started) << started.error().message();
  yield_until([&] { return sink->health().state != AdapterState::connecting; });
  return sink;
}

inline rabbitmq::RabbitSourceOptions source_of(std::string queue, rabbitmq::Topology topology) {
  rabbitmq::RabbitSourceOptions options;
  options.server = RabbitWorld::get().options();
  options.queue = std::move(queue);
  options.topology = std::move(topology);
  return options;
}

inline rabbitmq::RabbitSinkOptions sink_to(std::string exchange, rabbitmq::Topology topology) {
  rabbitmq::RabbitSinkOptions options;
  options.server = RabbitWorld::get().options();
  options.exchange = std::move(exchange);
  options.topology = std::move(topology);
  return options;
}

/// Sends one message and waits for the server's answer.
inline Status send_and_wait(Sink& sink, Message message) {
  const auto answer = std::make_shared<std::promise<Status>>();
  EXPECT_EQ(sink.send(std::move(message), [answer](const Status& status) { answer->set_value(status); }),
            SendResult::taken);
  return answer->get_future().get();
}

}  // namespace headrace::test
