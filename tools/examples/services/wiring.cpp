#include "wiring.hpp"

#include <stdexcept>
#include <utility>

namespace {

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

OverBroker::OverBroker(hr::Bus& bus, Service& service, BrokerEnds ends)
    : has_outbox_(!service.emits_to().empty()),
      format_({.binding = hr::wire::CloudEventsBinding::amqp, .source = "urn:shop:" + service.name()}),
      ends_(std::move(ends)),
      outbox_(service.store(), service.store().checkpoints(), *ends_.sink,
              [this](const hr::EncodedEvent& event) { return format_.write(event); }, {.name = service.name()}),
      inbound_(bus, *ends_.source, service.types(),
               [this](const hr::Message& message) { return format_.read_one(message); },
               // The service's own dead letters keep it, for a redrive.
               {.dead_lettered = hr::Settlement::done}) {
  outbox_.follow(emitted_by(service));
  for (const auto& heard : service.hears()) heard.add(inbound_);
}

void OverBroker::start() {
  if (has_outbox_) {
    must(ends_.sink->start());
    outbox_.start();
  }
  must(inbound_.start());
}

void OverBroker::stop(std::chrono::milliseconds deadline) {
  static_cast<void>(inbound_.stop(deadline));
  static_cast<void>(outbox_.stop(deadline).has_value());
  static_cast<void>(ends_.sink->stop(deadline));
}
