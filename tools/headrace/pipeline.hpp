#pragma once

#include "config.hpp"
#include "console.hpp"
#include "headrace/base/result.hpp"
#include "interrupt.hpp"
#include "run_report.hpp"

namespace headrace::program {

/// Runs the config to the end of its source or to a signal, and drains the bus. With bus_options.cpp, the one place that knows the bus.
/// The error says what kept it from starting, or which file could not be read or written.
/// What is in `graph_file` is told in flow_file.hpp; empty: none.
[[nodiscard]] Result<RunReport> run_pipeline(const Config& config, Console& console, const Interrupt& interrupt,
                                             const std::filesystem::path& graph_file);

}  // namespace headrace::program
