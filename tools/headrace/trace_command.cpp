#include "trace_command.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "event_json.hpp"
#include "exit_code.hpp"
#include "headrace/process/trace.hpp"
#include "headrace/simulation/trace_recording.hpp"
#include "headrace/sqlite/event_store.hpp"

namespace headrace::program {
namespace {

std::string line_of(const Trace& trace, const TraceEvent& event) {
  using Json = nlohmann::ordered_json;
  Json headers = Json::array();
  for (const auto& [name, value] : event.headers) headers.push_back({name, value});
  Json line = {{"id", event.id.to_string()},
               {"cause", event.cause ? Json(trace.events[*event.cause].id.to_string()) : Json(nullptr)},
               {"topic", event.topic},
               {"key", event.key},
               {"time", time_text(event.time)},
               {"headers", std::move(headers)}};
  if (!event.stream.empty()) {
    line["stream"] = event.stream;
    line["version"] = event.version;
    line["position"] = event.position;
  }
  if (event.dead_letter) line["dead_letter"] = *event.dead_letter;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<RecordedTrace> trace_store(const TraceArguments& arguments, EventId correlation) {
  SqliteOptions options;
  options.file = arguments.file;
  options.access = SqliteAccess::read;
  const auto store = SqliteEventStore::open(options);
  if (!store) return store.error();
  const auto letters = (*store)->dead_letters();
  if (!letters) return letters.error();
  auto found = trace(**store, correlation, {.dead_letters = letters->get()});
  if (!found) return found.error();
  return RecordedTrace{std::move(*found), std::nullopt};
}

}  // namespace

int trace_command(const TraceArguments& arguments) {
  const auto correlation = EventId::parse(arguments.correlation);
  if (!correlation) return fail({"trace: not an id: " + arguments.correlation, {}}, kExitUsage);
  const auto whole = is_recording(arguments.file.string()) ? trace_recording(arguments.file.string(), *correlation)
                                                           : trace_store(arguments, *correlation);
  if (!whole) return fail(whole.error());
  const Trace* const found = &whole->trace;
  if (found->events.empty()) {
    if (whole->damage) return fail(*whole->damage);
    return fail({"no event has the correlation or the id " + arguments.correlation, arguments.file.string()});
  }
  if (arguments.json) {
    for (const TraceEvent& event : found->events) fmt::print("{}\n", line_of(*found, event));
  } else if (arguments.format == "mermaid") {
    fmt::print("{}", to_mermaid(*found));
  } else if (arguments.format == "graphviz") {
    fmt::print("{}", to_graphviz(*found));
  } else {
    fmt::print("{}", to_text(*found));
  }
  return whole->damage ? fail(*whole->damage) : kExitOk;
}

}  // namespace headrace::program
