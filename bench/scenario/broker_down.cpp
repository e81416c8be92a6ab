// publisher ──► lane ──► worker ──► handler                            the bus's other traffic, which is measured
//  1,100 relayed messages ──► SinkBridge ──► RabbitSink, for 1,000 ──► a port where nobody listens
//
// Question: what does a broker that is down cost the bus's other traffic, while its sink is full and connects again and
// again, and its bridge has messages rest that found no room? The peer is the same bus without that way. 64 bytes an
// event; one worker for both.

#include <memory>
#include <string>

#include "headrace/bus/relay.hpp"
#include "headrace/bus/sink_bridge.hpp"
#include "headrace/rabbitmq/rabbit_sink.hpp"
#include "scenario/brokers.hpp"
#include "scenario/events.hpp"
#include "scenario/tally.hpp"
#include "server_process.hpp"

namespace headrace::bench {
namespace {

constexpr std::size_t kStuck = 1'000;
constexpr std::size_t kRefused = 100;

/// A way to a broker that is down, full of messages.
class DeadWay {
 public:
  explicit DeadWay(Bus& bus) : sink_(options()), bridge_(bus, sink_, way()) {
    Context::require(static_cast<bool>(sink_.start()), "the sink does not start");
  }
  void fill(Bus& bus) {
    for (std::size_t i = 0; i < kStuck + kRefused; ++i) {
      ReceivedMessage received;
      received.message = broker_message("away");
      if (!bus.publish("away", RelayedMessage{std::make_shared<Relay>(std::move(received)), i})) std::abort();
    }
    while (bridge_.counts().sent + bridge_.counts().retried < kStuck + kRefused) std::this_thread::yield();
    Context::require(bridge_.counts().retried == kRefused, "the sink is not full");
  }

 private:
  static rabbitmq::RabbitSinkOptions options() {
    rabbitmq::RabbitSinkOptions options;
    options.server.url = "amqp://127.0.0.1:" + std::to_string(test::free_port());
    options.buffer.messages_max = kStuck;
    return options;
  }
  static SinkBridgeOptions way() {
    SinkBridgeOptions options;
    options.subscription.filter = "away";
    options.subscription.name = options.subscription.group = "away";
    return options;
  }
  rabbitmq::RabbitSink sink_;
  SinkBridge bridge_;
};

enum class Broker { none, down };

Measure other_traffic(Broker broker) {
  return [=](Context& context) {
    return context.millions_per_second([&](std::uint64_t events) {
      Tally tally;
      Bus bus(
          {.workers = 1, .pin = Pin::cpus({context.cpus()[1]}), .lane_bytes = kInFlightMax * sizeof(Sample<0>)});
      std::unique_ptr<DeadWay> way;
      if (broker == Broker::down) way = std::make_unique<DeadWay>(bus);
      const auto handler = bus.subscribe<Sample<0>>([&](const Sample<0>& event) { tally.add(event.value); });
      bus.start();
      if (way != nullptr) way->fill(bus);
      const double seconds = seconds_together(context.cpus(), Placement::pinned, {[&] {
                                                Publisher publisher = bus.publisher();
                                                for (std::uint64_t value = 1; value <= events; ++value) {
                                                  if (!publisher.publish(Sample<0>::of(value))) std::abort();
                                                }
                                                while (tally.count() != events) pause();
                                              }});
      Context::require(tally.sum() == events * (events + 1) / 2, "the handler's sum");
      return seconds;
    });
  };
}

}  // namespace

HEADRACE_BENCH_ROW("broker.down", .unit = "M/s") {
  row.ours(other_traffic(Broker::down));
  row.peer("headrace without that broker", other_traffic(Broker::none), everywhere(0.97));
}

}  // namespace headrace::bench
