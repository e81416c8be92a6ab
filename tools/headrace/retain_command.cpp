#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>

#include "events_command.hpp"
#include "exit_code.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/sqlite/retention.hpp"
#include "json_text.hpp"

namespace headrace::program {
namespace {

constexpr double kSecondsMax = 1e9;  ///< thirty years: what nanoseconds can count

void print_retained(const SqliteRetained& retained, bool json) {
  if (json) {
    std::string held_by;
    append_json_string(held_by, retained.held_by);
    fmt::print("{{\"events\":{},\"unread\":{},\"bytes\":{},\"held_by\":{},\"held_at\":{}}}\n", retained.events,
               retained.unread, retained.bytes, held_by, retained.held_at);
    return;
  }
  fmt::print("{} events removed", retained.events);
  if (retained.unread > 0) fmt::print(", {} of them unread", retained.unread);
  fmt::print("; {} bytes in use\n", retained.bytes);
  if (!retained.held_by.empty()) {
    fmt::print("others are kept for '{}', which has read up to {}\n", retained.held_by, retained.held_at);
  }
}

}  // namespace

int events_retain(const EventsArguments& arguments) {
  if (arguments.older_s <= 0 && arguments.bytes_max == 0) {
    return fail({"retain: give --older, --max-bytes or both", {}}, kExitUsage);
  }
  if (!(arguments.older_s <= kSecondsMax)) return fail({"retain: --older is too long", {}}, kExitUsage);
  SqliteOptions options;
  options.file = arguments.file;
  options.access = SqliteAccess::write;
  const auto store = SqliteEventStore::open(options);
  if (!store) return fail(store.error());
  SqliteRetention retention;
  retention.age_max = std::chrono::nanoseconds(std::llround(arguments.older_s * 1e9));
  retention.bytes_max = arguments.bytes_max;
  if (!arguments.streams.empty()) retention.streams = arguments.streams;
  if (arguments.unread) retention.unread = SqliteRetention::Unread::remove;
  retention.ignored_checkpoints = arguments.ignored_checkpoints;
  const auto retained = retain(**store, retention, std::chrono::system_clock::now());
  if (!retained) return fail(retained.error());
  print_retained(*retained, arguments.json);
  return kExitOk;
}

}  // namespace headrace::program
