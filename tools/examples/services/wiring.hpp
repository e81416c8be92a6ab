#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "brokers.hpp"
#include "headrace/bus/outbox.hpp"
#include "headrace/wire/cloud_events.hpp"
#include "service.hpp"

/// Services of one process, on one bus: what a service keeps is dispatched from its file.
class InOneProcess {
 public:
  void add(Service& service, hr::Bus& bus);
  void start();
  void stop(std::chrono::milliseconds deadline);

 private:
  std::vector<std::unique_ptr<hr::DurableTopics>> from_files_;
};

/// One service of a process of its own: what it keeps goes to a broker, and what it hears comes from there.
class OverBroker {
 public:
  OverBroker(hr::Bus& bus, Service& service, BrokerEnds ends);
  /// Throws std::runtime_error for options that the broker's clients cannot take; the broker need not be there.
  void start();
  void stop(std::chrono::milliseconds deadline);

 private:
  const bool has_outbox_;
  hr::wire::CloudEvents format_;
  BrokerEnds ends_;
  hr::Outbox outbox_;
  hr::InboundEvents inbound_;
};
