#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "bench_command.hpp"
#include "exit_code.hpp"
#include "run_command.hpp"
#if defined(HEADRACE_HAS_SQLITE)
#include "store_options.hpp"
#endif

int main(int argc, char** argv) {
  using namespace headrace::program;
  CLI::App app{"headrace: an embedded event bus, as a program"};
  app.set_version_flag("--version", "headrace " HEADRACE_VERSION);
  app.require_subcommand(1);

  RunArguments run;
  CLI::App* run_app =
      app.add_subcommand("run", "Replay or read an event stream through the bus, as a config says");
  run_app->add_option("config", run.config, "The config, TOML")->required();
  run_app->add_option("--output-dir", run.output_folder, "Where files are written (default: the config's folder)");
  run_app->add_option("--report-json", run.report_json, "Write the report to a file, as JSON");
  run_app->add_option("--speed", run.speed,
                      "max, or how many times faster than real time, in place of the config's");
  run_app->add_option("--graph", run.graph,
                      "Write who publishes what to whom to a file: at the end, and rates at each SIGUSR1");
  run_app->add_flag("--quiet", run.quiet, "No progress, prints or alerts: only the report");

  CLI::App* check_app = app.add_subcommand("check", "Read a config and say what is wrong with it");
  check_app->add_option("config", run.config, "The config, TOML")->required();

  BenchArguments bench;
  CLI::App* bench_app =
      app.add_subcommand("bench", "Measure this machine: its cores, a lane, the bus, sleep and wake");
  bench_app->add_option("--json", bench.json, "Write the figures to a file, as JSON");
  bench_app->add_option("--runs", bench.runs, "Runs of each measurement; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();

  std::function<int()> chosen;
#if defined(HEADRACE_HAS_SQLITE)
  EventsArguments events;
  add_events(app, events, chosen);
  DlqArguments dlq;
  add_dlq(app, dlq, chosen);
  TraceArguments trace;
  add_trace(app, trace, chosen);
#endif

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (chosen) return chosen();
  if (bench_app->parsed()) return bench_command(bench);
  return run_app->parsed() ? run_command(run) : check_command(run);
}
