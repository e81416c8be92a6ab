#pragma once

#include <memory>
#include <string>

#include "headrace/port/sink.hpp"
#include "headrace/port/source.hpp"

namespace hr = headrace;

/// Where a service's events go and where those that it hears come from.
struct BrokerEnds {
  std::unique_ptr<hr::Sink> sink;
  std::unique_ptr<hr::Source> source;
};

/// Of RabbitMQ for amqp://…, or of Azure Service Bus for a connection string, Endpoint=…
[[nodiscard]] BrokerEnds ends_at(const std::string& broker, const std::string& service);
