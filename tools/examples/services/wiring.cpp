#include "wiring.hpp"

#include <algorithm>
#include <stdexcept>

namespace {

namespace rmq = hr::rabbitmq;

constexpr const char* kExchange = "shop";

// Every service declares all of it, so that none has to be started first.
rmq::Topology topology() {
  rmq::Topology topology;
  topology.exchanges = {{kExchange, rmq::ExchangeType::topic}};
  for (const char* queue : {"order", "inventory", "payment", "notification"}) {
    const rmq::Topology one = rmq::Topology::queue_with_dead_letters(queue);
    topology.queues.insert(topology.queues.end(), one.queues.begin(), one.queues.end());
  }
  topology.bindings = {{kExchange, "inventory", "orders.placed"},
                       {kExchange, "payment", "stock.reserved"},
                       {kExchange, "inventory", "payments.refused"},
                       {kExchange, "order", "payments.*"},
                       {kExchange, "notification", "orders.closed"}};
  return topology;
}

hr::EventQuery emitted_by(const Service& service) {
  hr::EventQuery query;
  auto& item = query.any_of.emplace_back();
  for (const auto& emitted : service.emits_to()) item.topics.push_back(hr::TopicFilter::exactly(emitted.topic));
  return query;
}

void must(const hr::Status& status) {
  if (!status) throw std::runtime_error(status.error().message());
}

}  // namespace

void InOneProcess::add(Service& service, hr::Bus& bus) {
  if (service.emits_to().empty()) return;
  auto& durable = *from_files_.emplace_back(
      std::make_unique<hr::DurableTopics>(bus, service.store(), service.store().checkpoints(), service.types(),
                                          hr::FollowerOptions{.name = service.name()}));
  for (const auto& emitted : service.emits_to()) emitted.add(durable);
}

void InOneProcess::start() {
  for (auto& durable : from_files_) durable->start();
}

void InOneProcess::stop(std::chrono::milliseconds deadline) {
  for (auto& durable : from_files_) static_cast<void>(durable->stop(deadline).has_value());
}

OverRabbit::OverRabbit(hr::Bus& bus, Service& service, const std::string& url)
    : has_outbox_(!service.emits_to().empty()),
      format_({.binding = hr::wire::CloudEventsBinding::amqp, .source = "urn:shop:" + service.name()}),
      sink_({.server = {.url = url, .connection_name = service.name() + " out"},
             .exchange = kExchange,
             .topology = topology()}),
      source_({.server = {.url = url, .connection_name = service.name() + " in"},
               .queue = service.name(),
               .topology = topology()}),
      outbox_(service.store(), service.store().checkpoints(), sink_,
              [this](const hr::EncodedEvent& event) { return format_.write(event); }, {.name = service.name()}),
      inbound_(bus, source_, service.types(),
               [this](const hr::Message& message) { return format_.read_one(message); },
               // The service's own dead letters keep it, for a redrive.
               {.dead_lettered = hr::Settlement::done}) {
  outbox_.follow(emitted_by(service));
  for (const auto& heard : service.hears()) heard.add(inbound_);
}

void OverRabbit::start() {
  if (has_outbox_) {
    must(sink_.start());
    outbox_.start();
  }
  must(inbound_.start());
}

void OverRabbit::stop(std::chrono::milliseconds deadline) {
  static_cast<void>(inbound_.stop(deadline));
  static_cast<void>(outbox_.stop(deadline).has_value());
  static_cast<void>(sink_.stop(deadline));
}
