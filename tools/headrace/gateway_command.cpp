#include "gateway_command.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "exit_code.hpp"
#include "flow_file.hpp"
#include "gateway_run.hpp"

namespace headrace::program {

std::optional<GatewayConfigOutcome> read_gateway(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf()) || !is_gateway_config(text.str())) return std::nullopt;
  return parse_gateway_config(text.str(), file);
}

int gateway_command(const GatewayConfigOutcome& outcome, const RunArguments& arguments) {
  if (!say_problems(outcome.problems)) return kExitUsage;
  if (!arguments.speed.empty() || !arguments.report_json.empty() || !arguments.output_folder.empty()) {
    fmt::print(stderr, "headrace: a gateway takes neither --speed nor --report-json nor --output-dir\n");
    return kExitUsage;
  }
  Console console;
  if (arguments.quiet) console.be_quiet();
  console.be_prompt();
  GatewayConfig config = outcome.config;
  config.bus.counts_flow = !arguments.graph.empty();
  if (config.bus.counts_flow) FlowFile::hold_signal();
  const auto report = run_gateway(config, console, Interrupt::install(), arguments.graph);
  if (!report) return fail(report.error());
  for (const std::string& line : report->lines) fmt::print("{}\n", line);
  if (report->unsettled > 0) fmt::print("left to their brokers, unsettled: {}\n", report->unsettled);
  std::fflush(stdout);
  if (report->failure) return fail(*report->failure);
  return report->balanced ? kExitOk : kExitNotBalanced;
}

int check_gateway(const GatewayConfigOutcome& outcome) {
  if (!say_problems(outcome.problems)) return kExitUsage;
  const GatewayConfig& config = outcome.config;
  fmt::print("{}: fine, {} sources, {} sinks, {} routes\n", config.file.string(), config.sources.size(),
             config.sinks.size(), config.routes.size());
  return kExitOk;
}

}  // namespace headrace::program
