#include <atomic>

#include "headrace/rabbitmq/rabbit_sink.hpp"
#include "headrace/rabbitmq/rabbit_source.hpp"
#include "rabbit_server.hpp"
#include "rig.hpp"

namespace headrace::test {
namespace {

/// One server for all tests of the program; each has a queue of its own.
RabbitServer& shared_rabbit() {
  static RabbitServer server;
  return server;
}

class RabbitRig final : public Rig {
 public:
  RabbitRig() : topic_("orders-" + std::to_string(++numbered_)) { shared_rabbit().start(); }
  std::unique_ptr<Source> source(std::size_t unsettled_max) override {
    return source_of(topic_, unsettled_max, rabbitmq::Rejected::dead_letter);
  }
  std::unique_ptr<Sink> sink(std::size_t buffer_messages_max) override {
    rabbitmq::RabbitSinkOptions options;
    options.server = server_options();
    options.topology = topology();
    options.buffer.messages_max = buffer_messages_max;
    return std::make_unique<rabbitmq::RabbitSink>(std::move(options));
  }
  std::string topic() const override { return topic_; }
  void stop_broker(Stop how) override {
    if (how == Stop::kill) {
      shared_rabbit().kill_with_queue(topic_);
    } else {
      shared_rabbit().stop(SIGTERM);
    }
  }
  void start_broker() override { shared_rabbit().start(); }
  /// Those that a consumer of theirs has seen.
  std::size_t dead_letters() override {
    if (dead_source_ == nullptr) {
      dead_source_ = source_of(topic_ + ".dead", 1000, rabbitmq::Rejected::drop);
      const Status started = dead_source_->start([this](ReceivedMessage&& delivery) {
        delivery.settle(Settlement::done);
        dead_.fetch_add(1);
      });
      EXPECT_TRUE(started);
    }
    return dead_.load();
  }

 private:
  [[nodiscard]] rabbitmq::Topology topology() const { return rabbitmq::Topology::queue_with_dead_letters(topic_); }
  [[nodiscard]] std::unique_ptr<Source> source_of(const std::string& queue, std::size_t unsettled_max,
                                                  rabbitmq::Rejected rejected) const {
    rabbitmq::RabbitSourceOptions options;
    options.server = server_options();
    options.topology = topology();
    options.queue = queue;
    options.unsettled_max = unsettled_max;
    options.rejected = rejected;
    return std::make_unique<rabbitmq::RabbitSource>(std::move(options));
  }
  [[nodiscard]] static rabbitmq::RabbitOptions server_options() {
    rabbitmq::RabbitOptions options;
    options.url = shared_rabbit().url();
    options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
    return options;
  }

  static inline unsigned numbered_ = 0;
  const std::string topic_;
  std::atomic<std::size_t> dead_{0};
  std::unique_ptr<Source> dead_source_;  ///< last: its thread counts in dead_
};

}  // namespace

std::unique_ptr<Rig> make_rig() { return std::make_unique<RabbitRig>(); }
std::string why_no_rig() { return {}; }

}  // namespace headrace::test
