#pragma once

#include "config.hpp"
#include "headrace/bus/subscribe_options.hpp"

namespace headrace::program {

/// What the config says, in the bus's words. Views of the subscription's options point into its config.
[[nodiscard]] DispatcherOptions bus_options(const BusConfig& config);
[[nodiscard]] SubscribeOptions subscribe_options(const SubscriptionConfig& config);

}  // namespace headrace::program
