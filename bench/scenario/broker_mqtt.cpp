// MqttSink ──► mosquitto (loopback, in memory) ──► MqttSource
//
// Question: what does the adapter cost against libmosquitto driven by a loop by hand, with QoS 1 and 1,000 messages under
// way, and what does it gain over waiting for each answer? libmosquitto acknowledges a message before its callback
// runs, which is less than the adapter promises. Bodies of 200 bytes; thousands of messages a second, until the last
// acknowledgement is there. Consuming begins with connecting to a session in which the messages wait.

#include "headrace/mqtt/mqtt_sink.hpp"
#include "headrace/mqtt/mqtt_source.hpp"
#include "mosquitto.hpp"
#include "peers/plain_mqtt.hpp"
#include "scenario/brokers.hpp"

namespace headrace::bench {
namespace {

constexpr const char* kTopic = "plant/temp";

test::Mosquitto& mosquitto() {
  static test::Mosquitto server("allow_anonymous true\nmax_inflight_messages 1000\n",
                                test::Mosquitto::Keeps::nothing);
  return server;
}

std::string fresh_client() {
  static int made = 0;
  return "bench-" + std::to_string(++made);
}

double headrace_mqtt_publish(Context&) {
  mqtt::MqttSinkOptions options;
  options.broker.url = mosquitto().url();
  options.broker.client_id = fresh_client();
  options.buffer.window = kBrokerWindow;
  mqtt::MqttSink sink(std::move(options));
  start_and_await(sink);
  return confirmed_per_second(sink, kTopic, kBrokerMessages);
}

Measure plain_mqtt_publish(std::size_t window, std::size_t messages) {
  return [=](Context&) {
    PlainMqtt plain(mosquitto().port(), fresh_client(), static_cast<int>(window));
    return thousands_per_second(messages, [&] { plain.publish(kTopic, messages, window, kBrokerBodyBytes); });
  };
}

/// A session of this name in which messages wait. Its topic is its own.
void fill_session(const std::string& client, std::size_t messages) {
  PlainMqtt(mosquitto().port(), client, kBrokerWindow).subscribe(client);
  PlainMqtt(mosquitto().port(), client + "-filler", kBrokerWindow)
      .publish(client, messages, kBrokerWindow, kBrokerBodyBytes);
}

double headrace_mqtt_consume(Context&) {
  const std::string client = fresh_client();
  fill_session(client, kBrokerMessages);
  mqtt::MqttSourceOptions options;
  options.broker.url = mosquitto().url();
  options.broker.client_id = client;
  options.filters = {client};
  options.unsettled_max = kBrokerWindow;
  options.session_expiry = std::chrono::seconds(0);
  mqtt::MqttSource source(std::move(options));
  return settled_per_second(source, kBrokerMessages);
}

Measure plain_mqtt_consume(int window, std::size_t messages) {
  return [=](Context&) {
    const std::string client = fresh_client();
    fill_session(client, messages);
    return thousands_per_second(messages, [&] {
      PlainMqtt plain(mosquitto().port(), client, window);
      plain.consume(messages);
    });
  };
}

std::string libmosquitto(const char* how) {
  int major = 0;
  int minor = 0;
  int revision = 0;
  mosquitto_lib_version(&major, &minor, &revision);
  return "libmosquitto " + std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(revision) +
         ", " + how;
}

}  // namespace

HEADRACE_BENCH_ROW("broker.mqtt.publish", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_mqtt_publish);
  row.peer(libmosquitto("a window of 1,000"), plain_mqtt_publish(kBrokerWindow, kBrokerMessages), everywhere(0.9));
  row.peer(libmosquitto("each acknowledged"), plain_mqtt_publish(1, kNaiveMessages), everywhere(5));
}

HEADRACE_BENCH_ROW("broker.mqtt.consume", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_mqtt_consume);
  row.peer(libmosquitto("1,000 under way"), plain_mqtt_consume(kBrokerWindow, kBrokerMessages), everywhere(0.9));
  row.peer(libmosquitto("one under way"), plain_mqtt_consume(1, kNaiveMessages), everywhere(5));
}

}  // namespace headrace::bench
