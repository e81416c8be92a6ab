#pragma once

#include "console.hpp"
#include "gateway.hpp"
#include "interrupt.hpp"

namespace headrace::program {

/// Runs until a signal comes, or an end gives up and the config says stop. SIGHUP reads the config again. How each
/// end stands is said on the console. What is in `graph_file` is told in flow_file.hpp; empty: none.
[[nodiscard]] Result<GatewayReport> run_gateway(const GatewayConfig& config, Console& console,
                                                Interrupt& interrupt, const std::filesystem::path& graph_file);

}  // namespace headrace::program
