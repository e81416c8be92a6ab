// RabbitSink ──► rabbitmq-server (loopback, durable classic queue) ──► RabbitSource
//
// Question: what do the adapter's promises (order, bounded buffer, sending again, reconnecting) cost against librabbitmq
// driven by a loop by hand that gives the same guarantees (persistent, confirmed within a window of 1,000 and kept until
// then; 1,000 prefetched and acknowledged in runs of 64), and what do they gain over waiting for each answer? Bodies of
// 200 bytes; thousands of messages a second, of all from when they are connected until the last confirm is there, or the
// server has answered the goodbye behind the last acknowledgement. Most of a core goes to the server, which is the same
// for all.

#include "headrace/rabbitmq/rabbit_sink.hpp"
#include "headrace/rabbitmq/rabbit_source.hpp"
#include "peers/plain_rabbit.hpp"
#include "rabbit_server.hpp"
#include "scenario/brokers.hpp"

namespace headrace::bench {
namespace {

constexpr std::size_t kAckRun = 64;

/// Once: it takes seconds, and a moment longer until it lets somebody in.
class Rabbit {
 public:
  Rabbit() {
    server_.start();
    rabbitmq::RabbitSinkOptions options;
    options.server.url = url();
    rabbitmq::RabbitSink first(std::move(options));
    start_and_await(first);
  }
  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::uint16_t port() const noexcept { return server_.port(); }

 private:
  test::RabbitServer server_;
};

const Rabbit& rabbit() {
  static const Rabbit server;
  return server;
}

std::string fresh_queue() {
  static int made = 0;
  return "bench-" + std::to_string(++made);
}

double headrace_publish(Context&) {
  const std::string queue = fresh_queue();
  const PlainRabbit there(rabbit().port(), queue);
  rabbitmq::RabbitSinkOptions options;
  options.server.url = rabbit().url();
  options.buffer.window = kBrokerWindow;
  rabbitmq::RabbitSink sink(std::move(options));
  start_and_await(sink);
  return confirmed_per_second(sink, queue, kBrokerMessages);
}

Measure plain_publish(std::size_t window, std::size_t messages) {
  return [=](Context&) {
    PlainRabbit plain(rabbit().port(), fresh_queue());
    return thousands_per_second(messages, [&] { plain.publish(messages, window, kBrokerBodyBytes); });
  };
}

double headrace_consume(Context&) {
  const std::string queue = fresh_queue();
  PlainRabbit there(rabbit().port(), queue);
  there.publish(kBrokerMessages, kBrokerWindow, kBrokerBodyBytes);
  rabbitmq::RabbitSourceOptions options;
  options.server.url = rabbit().url();
  options.queue = queue;
  options.unsettled_max = kBrokerWindow;
  rabbitmq::RabbitSource source(std::move(options));
  return settled_per_second_once_up(source, kBrokerMessages);
}

double plain_consume(Context&) {
  const std::string queue = fresh_queue();
  PlainRabbit there(rabbit().port(), queue);
  there.publish(kBrokerMessages, kBrokerWindow, kBrokerBodyBytes);
  PlainRabbit plain(rabbit().port(), queue);
  return thousands_per_second(kBrokerMessages, [&] { plain.consume(kBrokerMessages, kBrokerWindow, kAckRun); });
}

double naive_consume(Context&) {
  const std::string queue = fresh_queue();
  PlainRabbit there(rabbit().port(), queue);
  there.publish(kNaiveMessages, kBrokerWindow, kBrokerBodyBytes);
  PlainRabbit plain(rabbit().port(), queue);
  return thousands_per_second(kNaiveMessages, [&] { plain.get_each(kNaiveMessages); });
}

std::string librabbitmq(const char* how) { return std::string("librabbitmq ") + amqp_version() + ", " + how; }

}  // namespace

HEADRACE_BENCH_ROW("broker.rabbitmq.publish", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_publish);
  row.peer(librabbitmq("a window of 1,000"), plain_publish(kBrokerWindow, kBrokerMessages), everywhere(0.9));
  row.peer(librabbitmq("each confirmed"), plain_publish(1, kNaiveMessages), everywhere(5));
}

HEADRACE_BENCH_ROW("broker.rabbitmq.consume", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_consume);
  row.peer(librabbitmq("1,000 prefetched"), plain_consume, everywhere(0.9));
  row.peer(librabbitmq("each asked for"), naive_consume, everywhere(5));
}

}  // namespace headrace::bench
