// ServiceBusSink ──► emulator of Service Bus (loopback, Node.js, a journal on disk) ──► ServiceBusSource
//
// Question: what do the adapter's promises (order, bounded buffer, sending again, reconnecting, lost locks) cost against
// Proton's C library driven by a loop by hand that gives the same guarantees (ids, confirmed within a window of 1,000 and
// kept until then; credit for 1,000, each read and completed, and settled by the broker), and what do they gain over one
// message at a time? Bodies of 200 bytes; thousands of messages a second, of all from when they are connected until the
// last confirm or the last settlement is there. The emulator is slower than Azure's broker may be: most of the time is its.

#include "headrace/servicebus/servicebus_sink.hpp"
#include "headrace/servicebus/servicebus_source.hpp"
#include "peers/plain_servicebus.hpp"
#include "scenario/brokers.hpp"
#include "servicebus_emulator.hpp"

#include <proton/version.h>

namespace headrace::bench {
namespace {

constexpr std::size_t kBusMessages = 5'000;
constexpr std::size_t kBusNaiveMessages = 1'000;
constexpr const char* kBusQueue = "orders";

std::string proton(const char* how) {
  return "Proton " + std::to_string(PN_VERSION_MAJOR) + "." + std::to_string(PN_VERSION_MINOR) + ", " + how;
}

/// One a measurement, so that none finds what another has left.
struct Bus {
  test::ServiceBusEmulator emulator;
  PlainServiceBus plain{emulator.port(), std::string(test::ServiceBusEmulator::kKey), kBusQueue};
};

double headrace_bus_publish(Context&) {
  const Bus bus;
  servicebus::ServiceBusSinkOptions options;
  options.server.connection_string = bus.emulator.connection_string();
  options.entity = kBusQueue;
  options.buffer.window = kBrokerWindow;
  servicebus::ServiceBusSink sink(std::move(options));
  start_and_await(sink);
  return confirmed_per_second(sink, kBusQueue, kBusMessages);
}

Measure plain_bus_publish(std::size_t window, std::size_t messages) {
  return [=](Context&) {
    Bus bus;
    return thousands_per_second(messages, [&] { bus.plain.publish(messages, window, kBrokerBodyBytes); });
  };
}

double headrace_bus_consume(Context&) {
  Bus bus;
  bus.plain.publish(kBusMessages, kBrokerWindow, kBrokerBodyBytes);
  servicebus::ServiceBusSourceOptions options;
  options.server.connection_string = bus.emulator.connection_string();
  options.entity = kBusQueue;
  options.unsettled_max = kBrokerWindow;
  servicebus::ServiceBusSource source(std::move(options));
  return settled_per_second_once_up(source, kBusMessages);
}

Measure plain_bus_consume(std::size_t credit, std::size_t messages) {
  return [=](Context&) {
    Bus bus;
    bus.plain.publish(messages, kBrokerWindow, kBrokerBodyBytes);
    PlainServiceBus plain(bus.emulator.port(), std::string(test::ServiceBusEmulator::kKey), kBusQueue);
    plain.attach();
    return thousands_per_second(messages, [&] { plain.consume(messages, credit); });
  };
}

}  // namespace

HEADRACE_BENCH_ROW("broker.servicebus.publish", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_bus_publish);
  row.peer(proton("a window of 1,000"), plain_bus_publish(kBrokerWindow, kBusMessages), everywhere(0.9));
  row.peer(proton("each confirmed"), plain_bus_publish(1, kBusNaiveMessages), everywhere(5));
}

HEADRACE_BENCH_ROW("broker.servicebus.consume", .unit = "k/s", .cores = Cores::one) {
  row.ours(headrace_bus_consume);
  row.peer(proton("credit for 1,000"), plain_bus_consume(kBrokerWindow, kBusMessages), everywhere(0.9));
  row.peer(proton("one at a time"), plain_bus_consume(1, kBusNaiveMessages), everywhere(5));
}

}  // namespace headrace::bench
