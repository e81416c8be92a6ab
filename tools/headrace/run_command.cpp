#include "run_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "exit_code.hpp"
#include "flow_file.hpp"
#include "gateway_command.hpp"
#include "pipeline.hpp"
#include "save_text.hpp"

namespace headrace::program {
namespace {

/// True when the text is a speed; what the config's own reader says is not repeated.
bool override_speed(const std::string& text, EventConfig& event) {
  double speed = 0;
  if (text == "max") {
    event.speed = 0;
  } else if (!read_number(text, speed) || !(speed > 0)) {
    fmt::print(stderr, "headrace: --speed: expected max, or how many times faster than real time, such as 3600\n");
    return false;
  } else if (!event.time) {
    fmt::print(stderr,
               "headrace: --speed: real time needs 'time' in [event], the field that holds each record's time\n");
    return false;
  } else {
    event.speed = speed;
  }
  return true;
}

}  // namespace

bool say_problems(const std::vector<ConfigProblem>& problems) {
  constexpr std::size_t kShownMax = 10;
  for (std::size_t i = 0; i < std::min(problems.size(), kShownMax); ++i) {
    fmt::print(stderr, "{}\n", problems[i].message());
  }
  if (problems.size() > kShownMax) fmt::print(stderr, "and {} more problems\n", problems.size() - kShownMax);
  return problems.empty();
}

int run_command(const RunArguments& arguments) {
#if defined(HEADRACE_HAS_GATEWAY)
  if (const auto gateway = read_gateway(arguments.config)) return gateway_command(*gateway, arguments);
#endif
  ConfigOutcome outcome = load_config(arguments.config, arguments.output_folder);
  if (!say_problems(outcome.problems)) return kExitUsage;
  if (!arguments.speed.empty() && !override_speed(arguments.speed, outcome.config.event)) return kExitUsage;
  Console console;
  if (arguments.quiet) console.be_quiet();
  const bool live = outcome.config.source.kind != SourceConfig::Kind::file || outcome.config.event.speed > 0;
  if (live) console.be_prompt();
  outcome.config.bus.counts_flow = !arguments.graph.empty();
  if (outcome.config.bus.counts_flow) FlowFile::hold_signal();
  const auto report = run_pipeline(outcome.config, console, Interrupt::install(), arguments.graph);
  if (!report) return fail(report.error());
  if (!arguments.report_json.empty() && !save_text(arguments.report_json, to_json(*report))) return kExitFailed;
  fmt::print("{}", to_text(*report));
  std::fflush(stdout);
  if (!report->balanced()) return kExitNotBalanced;
  return report->lost_output.empty() ? kExitOk : fail(Error{"output is lost", report->lost_output});
}

int check_command(const RunArguments& arguments) {
#if defined(HEADRACE_HAS_GATEWAY)
  if (const auto gateway = read_gateway(arguments.config)) return check_gateway(*gateway);
#endif
  const ConfigOutcome outcome = load_config(arguments.config, arguments.output_folder);
  if (!say_problems(outcome.problems)) return kExitUsage;
  fmt::print("{}: fine, {} subscriptions\n", arguments.config.string(), outcome.config.subscriptions.size());
  return kExitOk;
}

}  // namespace headrace::program
