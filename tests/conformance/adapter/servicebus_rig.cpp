#include <atomic>

#include "headrace/servicebus/servicebus_sink.hpp"
#include "headrace/servicebus/servicebus_source.hpp"
#include "rig.hpp"
#include "servicebus_emulator.hpp"

namespace headrace::test {
namespace {

class ServiceBusRig final : public Rig {
 public:
  std::unique_ptr<Source> source(std::size_t unsettled_max) override {
    return source_of(servicebus::SubQueue::none, unsettled_max);
  }
  std::unique_ptr<Sink> sink(std::size_t buffer_messages_max) override {
    servicebus::ServiceBusSinkOptions options;
    options.server = server_options();
    options.entity = "orders";
    options.buffer.messages_max = buffer_messages_max;
    options.body_bytes_max = std::size_t{1} << 20;
    return std::make_unique<servicebus::ServiceBusSink>(std::move(options));
  }
  std::string topic() const override { return "orders.placed"; }
  /// The emulator writes a line for each message and for its end.
  std::size_t many_max() const override { return 5'000; }
  void stop_broker(Stop how) override { broker_.stop(how == Stop::kill ? SIGKILL : SIGTERM); }
  void start_broker() override { broker_.start(); }
  /// Those that a consumer of theirs has seen.
  std::size_t dead_letters() override {
    if (dead_source_ == nullptr) {
      dead_source_ = source_of(servicebus::SubQueue::dead_letters, 100);
      const Status started = dead_source_->start([this](ReceivedMessage&& delivery) {
        delivery.settle(Settlement::done);
        dead_.fetch_add(1);
      });
      EXPECT_TRUE(started);
    }
    return dead_.load();
  }

 private:
  [[nodiscard]] servicebus::ServiceBusOptions server_options() const {
    servicebus::ServiceBusOptions options;
    options.connection_string = broker_.connection_string();
    options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
    return options;
  }
  [[nodiscard]] std::unique_ptr<Source> source_of(servicebus::SubQueue sub_queue,
                                                  std::size_t unsettled_max) const {
    servicebus::ServiceBusSourceOptions options;
    options.server = server_options();
    options.entity = "orders";
    options.sub_queue = sub_queue;
    options.unsettled_max = unsettled_max;
    return std::make_unique<servicebus::ServiceBusSource>(std::move(options));
  }

  ServiceBusEmulator broker_;
  std::atomic<std::size_t> dead_{0};
  std::unique_ptr<Source> dead_source_;  ///< last: its thread counts in dead_
};

}  // namespace

std::unique_ptr<Rig> make_rig() {
  return ServiceBusEmulator::is_installed() ? std::make_unique<ServiceBusRig>() : nullptr;
}
std::string why_no_rig() { return std::string(ServiceBusEmulator::kNeeds); }

}  // namespace headrace::test
