#include "bus_options.hpp"

namespace headrace::program {
namespace {

Overflow overflow_of(const OverflowConfig& config) {
  Overflow overflow;
  switch (config.kind) {
    case OverflowConfig::Kind::block:
      overflow = Overflow::block();
      break;
    case OverflowConfig::Kind::fail:
      overflow = Overflow::fail();
      break;
    case OverflowConfig::Kind::drop_newest:
      overflow = Overflow::drop_newest();
      break;
    case OverflowConfig::Kind::drop_oldest:
      overflow = Overflow::drop_oldest();
      break;
    case OverflowConfig::Kind::conflate:
      overflow = Overflow::conflate();
      break;
    case OverflowConfig::Kind::spill:
      overflow = Overflow::spill();
      break;
  }
  if (config.deadline) overflow.deadline = *config.deadline;
  if (config.budget) overflow.budget_events = *config.budget;
  return overflow;
}

}  // namespace

DispatcherOptions bus_options(const BusConfig& config) {
  DispatcherOptions options;
  options.workers = config.workers;
  options.lane_bytes = config.lane_bytes;
  options.topics_max = config.topics_max;
  if (config.counts_flow) options.flow = headrace::Flow::counted;
  switch (config.wait) {
    case BusConfig::Wait::adaptive:
      options.wait = Wait::adaptive;
      break;
    case BusConfig::Wait::spin:
      options.wait = Wait::spin;
      break;
    case BusConfig::Wait::yield:
      options.wait = Wait::spin_yield;
      break;
    case BusConfig::Wait::park:
      options.wait = Wait::park;
      break;
  }
  switch (config.pin) {
    case BusConfig::Pin::none:
      options.pin = Pin::none;
      break;
    case BusConfig::Pin::cores:
      options.pin = Pin::cores;
      break;
    case BusConfig::Pin::list:
      options.pin = Pin::cpus({config.pin_list.begin(), config.pin_list.end()});
      break;
  }
  return options;
}

SubscribeOptions subscribe_options(const SubscriptionConfig& config) {
  SubscribeOptions options;
  options.filter = config.filter;
  options.group = config.group;
  options.name = config.name;
  options.overflow = overflow_of(config.overflow);
  if (config.worker) options.worker = static_cast<int>(*config.worker);
  switch (config.placement) {
    case SubscriptionConfig::Placement::pinned:
      options.placement = Placement::pinned;
      break;
    case SubscriptionConfig::Placement::sharded:
      options.placement = Placement::sharded;
      break;
    case SubscriptionConfig::Placement::balanced:
      options.placement = Placement::balanced;
      break;
  }
  return options;
}

}  // namespace headrace::program
