#pragma once

#include "console.hpp"
#include "gateway_config.hpp"
#include "headrace/base/result.hpp"
#include "interrupt.hpp"

namespace headrace::program {

/// What went through a gateway, for its last words.
struct GatewayReport {
  std::vector<std::string> lines;
  std::size_t unsettled = 0;  ///< messages that were left to their brokers
  bool balanced = true;       ///< the bus's own account
};

/// Runs until a signal comes; then takes no more, lets what is under way come to its end within the bus's
/// stop_deadline, and leaves the rest with the brokers. How each end stands is said on the console.
[[nodiscard]] Result<GatewayReport> run_gateway(const GatewayConfig& config, Console& console,
                                                const Interrupt& interrupt);

}  // namespace headrace::program
