#include "brokers.hpp"

#include "headrace/rabbitmq/rabbit_sink.hpp"
#include "headrace/rabbitmq/rabbit_source.hpp"
#include "headrace/servicebus/servicebus_sink.hpp"
#include "headrace/servicebus/servicebus_source.hpp"

namespace {

namespace rmq = hr::rabbitmq;
namespace sb = hr::servicebus;

constexpr const char* kShop = "shop";  // RabbitMQ's exchange, Service Bus's topic

// Every service declares all of it, so that none has to be started first.
rmq::Topology topology() {
  rmq::Topology topology;
  topology.exchanges = {{kShop, rmq::ExchangeType::topic}};
  for (const char* queue : {"order", "inventory", "payment", "notification"}) {
    const rmq::Topology one = rmq::Topology::queue_with_dead_letters(queue);
    topology.queues.insert(topology.queues.end(), one.queues.begin(), one.queues.end());
  }
  topology.bindings = {{kShop, "inventory", "orders.placed"},
                       {kShop, "payment", "stock.reserved"},
                       {kShop, "inventory", "payments.refused"},
                       {kShop, "order", "payments.*"},
                       {kShop, "notification", "orders.closed"}};
  return topology;
}

BrokerEnds rabbit_ends(const std::string& url, const std::string& service) {
  return {
      std::make_unique<rmq::RabbitSink>(rmq::RabbitSinkOptions{
          .server = {.url = url, .connection_name = service + " out"}, .exchange = kShop, .topology = topology()}),
      std::make_unique<rmq::RabbitSource>(rmq::RabbitSourceOptions{
          .server = {.url = url, .connection_name = service + " in"}, .queue = service, .topology = topology()})};
}

// The topic, its subscriptions and their rules are there: in Azure whoever deploys the shop makes them.
BrokerEnds servicebus_ends(const std::string& connection_string, const std::string& service) {
  const sb::ServiceBusOptions server{.connection_string = connection_string, .connection_name = service};
  return {std::make_unique<sb::ServiceBusSink>(sb::ServiceBusSinkOptions{.server = server, .entity = kShop}),
          std::make_unique<sb::ServiceBusSource>(sb::ServiceBusSourceOptions{
              .server = server, .entity = std::string(kShop) + "/Subscriptions/" + service})};
}

}  // namespace

BrokerEnds ends_at(const std::string& broker, const std::string& service) {
  return broker.starts_with("amqp") ? rabbit_ends(broker, service) : servicebus_ends(broker, service);
}
