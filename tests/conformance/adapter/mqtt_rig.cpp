#include "headrace/mqtt/mqtt_sink.hpp"
#include "headrace/mqtt/mqtt_source.hpp"
#include "mosquitto.hpp"
#include "rig.hpp"

namespace headrace::test {
namespace {

class MqttRig final : public Rig {
 public:
  std::unique_ptr<Source> source(std::size_t unsettled_max) override {
    mqtt::MqttSourceOptions options;
    options.broker = broker_options("source");
    options.filters = {"plant/#"};
    options.unsettled_max = unsettled_max;
    return std::make_unique<mqtt::MqttSource>(std::move(options));
  }
  std::unique_ptr<Sink> sink(std::size_t buffer_messages_max) override {
    mqtt::MqttSinkOptions options;
    options.broker = broker_options("sink");
    options.buffer.messages_max = buffer_messages_max;
    return std::make_unique<mqtt::MqttSink>(std::move(options));
  }
  std::string topic() const override { return "plant/7/temp"; }
  /// The broker writes its whole file after each message, so that kill -9 loses none.
  std::size_t many_max() const override { return 2'000; }
  void stop_broker(Stop how) override { broker_.stop(how == Stop::kill ? SIGKILL : SIGTERM); }
  void start_broker() override { broker_.start(); }
  std::size_t dead_letters() override { return 0; }

 private:
  [[nodiscard]] mqtt::MqttOptions broker_options(std::string client_id) const {
    mqtt::MqttOptions options;
    options.url = broker_.url();
    options.client_id = std::move(client_id);
    options.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(50)};
    return options;
  }
  Mosquitto broker_;
};

}  // namespace

std::unique_ptr<Rig> make_rig() { return std::make_unique<MqttRig>(); }
std::string why_no_rig() { return {}; }

}  // namespace headrace::test
