#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "gateway_bridges.hpp"
#include "gateway_config.hpp"
#include "pieces.hpp"
#include "toml_section.hpp"
#include "toml_text.hpp"

namespace {

using namespace headrace;
using namespace headrace::program;

/// What a reload compares is a config of its own, and says the same.
void compares_itself(const GatewayConfig& config) {
  const toml::table again = parse_toml(config.fixed, "fixed.toml");
  ProblemList problems(config.fixed, "fixed.toml");
  require(TomlSection(&again, "", problems).written() == config.fixed);
}

/// What a config says of a message can be asked.
void can_be_used(GatewayConfig& config, const Message& message) {
  for (SourceEndConfig& source : config.sources) {
    source.claims.reset();  // nothing is made on the disk
    const SourceBridgeOptions options = bridge_options(source);
    if (options.topic) (void)options.topic(message);
    (void)header_of(source.identity)(message);
  }
  for (const RouteConfig& route : config.routes) {
    require(route.sink.has_value() != route.alert.has_value());
    require(!route.sink || *route.sink < config.sinks.size());
    const SinkBridgeOptions options = bridge_options(route);
    Message changed = message;
    if (options.change) (void)options.change(changed);
    if (options.accepts) (void)options.accepts(message.topic, changed);
    if (options.topic) (void)options.topic(message.topic);
  }
}

}  // namespace

// Input: a gateway's config.
// Claim: no bytes crash the parser; each problem says something, of a line of the text; a config without problems can be
//        used on a message, and compared with itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto lines = static_cast<std::size_t>(std::ranges::count(input, '\n')) + 1;
  auto [config, problems] = parse_gateway_config(input, "fuzz.toml");
  for (const ConfigProblem& problem : problems) {
    require(!problem.message().empty());
    require(problem.line <= lines);
  }
  if (!problems.empty()) return 0;
  require(is_gateway_config(input));
  compares_itself(config);
  Message message;
  message.topic = "plant.7";
  message.headers = {{"type", "alarm"}, {"id", "7"}};
  const std::string_view body = R"({"temp":80.5,"device":"7","site":{"name":"north"}})";
  const auto bytes = std::as_bytes(std::span(body));
  message.body.assign(bytes.begin(), bytes.end());
  can_be_used(config, message);
  return 0;
}
