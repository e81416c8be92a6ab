#include "gateway_run.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "flow_file.hpp"
#include "gateway_command.hpp"
#include "run_command.hpp"

namespace headrace::program {
namespace {

void announce(Console& console, const NamedHealth& end) {
  const std::string_view colon = end.health.reason.empty() ? "" : ": ";
  console.line(fmt::format("{}: {}{}{}", end.name, to_string(end.health.state), colon, end.health.reason));
}

/// What an unsound config is told goes to stderr, as at the start; the old one runs on.
void reload(Gateway& gateway, Console& console) {
  std::ifstream in(gateway.config().file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) return console.line("reload: the config cannot be read; the old routes stay");
  GatewayConfigOutcome outcome = parse_gateway_config(text.str(), gateway.config().file);
  if (!say_problems(outcome.problems)) return console.line("reload: refused; the old routes stay");
  const std::size_t routes = outcome.config.routes.size();
  if (const Status done = gateway.reload(std::move(outcome.config)); !done) {
    return console.line(fmt::format("reload: refused: {}; the old routes stay", done.error().message()));
  }
  console.line(fmt::format("reload: {} routes", routes));
}

}  // namespace

Result<GatewayReport> run_gateway(const GatewayConfig& config, Console& console, Interrupt& interrupt,
                                  const std::filesystem::path& graph_file) try {
  interrupt.catch_hangup();  // first: a reload may be asked for at any moment
  std::unique_ptr<GatewayDedup> dedup;
  if (config.dedup) {
    auto opened = GatewayDedup::open(config);
    if (!opened) return opened.error();
    dedup = std::move(*opened);
  }
  EndWatch watch;
  Gateway gateway(config, watch, std::move(dedup));
  if (Status started = gateway.start(); !started) return started.error();
  FlowFile graph(graph_file, console, [&gateway] { return gateway.flow(); });
  std::optional<Error> failure;
  while (!interrupt.raised() && !failure) {
    pollfd ready[] = {{interrupt.descriptor(), POLLIN, 0}, {watch.descriptor(), POLLIN, 0}};
    ::poll(ready, 2, -1);
    if (interrupt.take_hangup()) reload(gateway, console);
    for (const NamedHealth& end : watch.take()) {
      announce(console, end);
      gateway.tell(end);
      if (end.health.state == AdapterState::gave_up && config.gave_up == GaveUp::stop && !failure) {
        failure = Error{"gave up: " + end.health.reason, end.name};
      }
    }
  }
  GatewayReport report = gateway.stop();
  if (!graph.finish() && !failure) failure = Error{"the graph cannot be written", graph_file.string()};
  for (const NamedHealth& end : watch.take()) announce(console, end);
  report.failure = std::move(failure);
  return report;
} catch (const ConfigError& error) {
  return Error{error.what(), config.file.string()};
}

}  // namespace headrace::program
