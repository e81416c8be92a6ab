// MqttSink ──► mosquitto (loopback, in memory) ──► MqttSource
//
// Question: what does the adapter cost against libmosquitto driven by a loop by hand, with QoS 1 and 1,000 messages under
// way, and what does it gain over waiting for each answer? libmosquitto acknowledges a message before its callback
// runs, which is less than the adapter promises. Bodies of 200 bytes; thousands of messages a second, until the last
// acknowledgement is there. Consuming begins with connecting to a session in which the messages wait, and ends with the
// goodbye, for both. The rows `.broker` and `.client` say who is the limit: microseconds of processor time a message.

#include <time.h>

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

/// What a way of carrying messages takes.
struct Cost {
  double rate = 0;       ///< thousands of messages a second
  double broker_us = 0;  ///< of processor time a message
  double client_us = 0;
};

double client_cpu_us() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

Cost cost_of(std::size_t messages, const std::function<void()>& run) {
  const double broker = mosquitto().cpu_us();
  const double client = client_cpu_us();
  Cost cost;
  cost.rate = thousands_per_second(messages, run);
  cost.broker_us = (mosquitto().cpu_us() - broker) / static_cast<double>(messages);
  cost.client_us = (client_cpu_us() - client) / static_cast<double>(messages);
  return cost;
}

Cost headrace_mqtt_publish() {
  mqtt::MqttSinkOptions options;
  options.broker.url = mosquitto().url();
  options.broker.client_id = fresh_client();
  options.buffer.window = kBrokerWindow;
  mqtt::MqttSink sink(std::move(options));
  start_and_await(sink);
  return cost_of(kBrokerMessages, [&] { (void)confirmed_per_second(sink, kTopic, kBrokerMessages); });
}

Cost plain_mqtt_publish(std::size_t window, std::size_t messages) {
  PlainMqtt plain(mosquitto().port(), fresh_client(), static_cast<int>(window));
  return cost_of(messages, [&] { plain.publish(kTopic, messages, window, kBrokerBodyBytes); });
}

/// A session of this name in which messages wait. Its topic is its own.
void fill_session(const std::string& client, std::size_t messages) {
  PlainMqtt(mosquitto().port(), client, kBrokerWindow).subscribe(client);
  PlainMqtt(mosquitto().port(), client + "-filler", kBrokerWindow)
      .publish(client, messages, kBrokerWindow, kBrokerBodyBytes);
}

Cost headrace_mqtt_consume() {
  const std::string client = fresh_client();
  fill_session(client, kBrokerMessages);
  mqtt::MqttSourceOptions options;
  options.broker.url = mosquitto().url();
  options.broker.client_id = client;
  options.filters = {client};
  options.unsettled_max = kBrokerWindow;
  options.session_expiry = std::chrono::seconds(0);
  mqtt::MqttSource source(std::move(options));
  return cost_of(kBrokerMessages, [&] { (void)settled_per_second(source, kBrokerMessages); });
}

Cost plain_mqtt_consume(int window, std::size_t messages) {
  const std::string client = fresh_client();
  fill_session(client, messages);
  return cost_of(messages, [&] {
    PlainMqtt plain(mosquitto().port(), client, window);
    plain.consume(messages);
  });
}

Cost windowed_publish() { return plain_mqtt_publish(kBrokerWindow, kBrokerMessages); }
Cost naive_publish() { return plain_mqtt_publish(1, kNaiveMessages); }
Cost windowed_consume() { return plain_mqtt_consume(kBrokerWindow, kBrokerMessages); }
Cost naive_consume() { return plain_mqtt_consume(1, kNaiveMessages); }

/// One figure of a way's cost.
Measure only(double Cost::*figure, Cost (*way)()) {
  return [=](Context&) { return way().*figure; };
}

std::string libmosquitto(const char* how) {
  int major = 0;
  int minor = 0;
  int revision = 0;
  mosquitto_lib_version(&major, &minor, &revision);
  return "libmosquitto " + std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(revision) +
         ", " + how;
}

void describe(Row& row, double Cost::*figure, Cost (*ours)(), Cost (*windowed)(), Cost (*naive)()) {
  const bool rate = figure == &Cost::rate;
  row.ours(only(figure, ours));
  row.peer(libmosquitto("1,000 under way"), only(figure, windowed),
           rate ? std::optional(everywhere(0.9)) : std::nullopt);
  row.peer(libmosquitto("one under way"), only(figure, naive), rate ? std::optional(everywhere(5)) : std::nullopt);
}
void describe_publish(Row& row, double Cost::*figure) {
  describe(row, figure, headrace_mqtt_publish, windowed_publish, naive_publish);
}
void describe_consume(Row& row, double Cost::*figure) {
  describe(row, figure, headrace_mqtt_consume, windowed_consume, naive_consume);
}

}  // namespace

HEADRACE_BENCH_ROW("broker.mqtt.publish", .unit = "k/s", .cores = Cores::one) {
  describe_publish(row, &Cost::rate);
}
HEADRACE_BENCH_ROW("broker.mqtt.publish.broker", .unit = "us", .better = Better::lower, .cores = Cores::one) {
  describe_publish(row, &Cost::broker_us);
}
HEADRACE_BENCH_ROW("broker.mqtt.publish.client", .unit = "us", .better = Better::lower, .cores = Cores::one) {
  describe_publish(row, &Cost::client_us);
}
HEADRACE_BENCH_ROW("broker.mqtt.consume", .unit = "k/s", .cores = Cores::one) {
  describe_consume(row, &Cost::rate);
}
HEADRACE_BENCH_ROW("broker.mqtt.consume.broker", .unit = "us", .better = Better::lower, .cores = Cores::one) {
  describe_consume(row, &Cost::broker_us);
}
HEADRACE_BENCH_ROW("broker.mqtt.consume.client", .unit = "us", .better = Better::lower, .cores = Cores::one) {
  describe_consume(row, &Cost::client_us);
}

}  // namespace headrace::bench
