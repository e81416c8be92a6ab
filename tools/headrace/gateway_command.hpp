#pragma once

#include <filesystem>
#include <optional>

#include "gateway_config.hpp"
#include "run_command.hpp"

namespace headrace::program {

/// The config, if it is a gateway's. One that cannot be read is none: whoever reads it next says why.
[[nodiscard]] std::optional<GatewayConfigOutcome> read_gateway(const std::filesystem::path& file);
[[nodiscard]] int gateway_command(const GatewayConfigOutcome& outcome, const RunArguments& arguments);
[[nodiscard]] int check_gateway(const GatewayConfigOutcome& outcome);

}  // namespace headrace::program
