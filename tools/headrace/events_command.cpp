#include "events_command.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>

#include "event_json.hpp"
#include "exit_code.hpp"
#include "headrace/sourcing/topic_filter.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/sqlite/maintenance.hpp"
#include "json_text.hpp"
#include "text_table.hpp"

namespace headrace::program {
namespace {

Result<std::unique_ptr<SqliteEventStore>> open(const EventsArguments& arguments, SqliteAccess access) {
  SqliteOptions options;
  options.file = arguments.file;
  options.access = access;
  return SqliteEventStore::open(options);
}

void print_event(const StoredEvent& event, bool json) {
  if (json) {
    fmt::print("{}\n", to_json_line(event));
    return;
  }
  const Envelope& envelope = event.event.envelope;
  fmt::print("{:>8}  {}  {}@{}  {}", event.position, time_text(event.stored_at), event.stream, event.version,
             envelope.topic);
  if (!envelope.key.empty()) fmt::print("  key {}", envelope.key);
  for (const std::string& tag : envelope.tags) fmt::print("  #{}", tag);
  std::string body;
  append_json_string(body, body_text(event.event));  // one line, whatever it holds
  fmt::print("  {}\n", body);
}

Result<EventQuery> query_of(const EventsArguments& arguments) {
  if (arguments.topics.empty() && arguments.tags.empty()) return EventQuery::everything();
  EventQuery::Item item{{}, arguments.tags};
  for (const std::string& pattern : arguments.topics) {
    auto filter = topic_filter(pattern);
    if (!filter) return filter.error();
    item.topics.push_back(std::move(filter).value());
  }
  return EventQuery{{std::move(item)}};
}

std::size_t limit_of(const EventsArguments& arguments) {
  return arguments.limit == 0 ? kNoLimit : static_cast<std::size_t>(arguments.limit);
}

/// Shows what matches, then, if asked, what comes.
int read_store(EventStore& store, const EventsArguments& arguments, EventQuery query) {
  GlobalRead read;
  read.after = arguments.after;
  read.direction = arguments.backward ? Direction::backward : Direction::forward;
  read.query = std::move(query);
  std::size_t left = limit_of(arguments);
  const auto show = [&](StoredEvent& event) {
    const bool wanted = arguments.stream.empty() || event.stream == arguments.stream;
    if (wanted) {
      print_event(event, arguments.json);
      --left;
    }
    return left == 0 ? Visit::stop : Visit::more;
  };
  for (;;) {
    const auto end = store.read_all(read, show);
    if (!end) return fail(end.error());
    if (!arguments.follow || arguments.backward || left == 0) return kExitOk;
    std::fflush(stdout);
    read.after = end->through;
    if (const auto more = store.wait_beyond(read.after, std::chrono::hours{1}, {}); !more) {
      return fail(more.error());
    }
  }
}

int read_stream(EventStore& store, const EventsArguments& arguments) {
  StreamRead read;
  read.stream = arguments.stream;
  read.direction = arguments.backward ? Direction::backward : Direction::forward;
  read.limit = limit_of(arguments);
  const auto end = store.read_stream(read, [&](StoredEvent& event) {
    print_event(event, arguments.json);
    return Visit::more;
  });
  return end ? kExitOk : fail(end.error());
}

std::optional<ExpectedVersion> expected_of(const std::string& text) {
  if (text == "any") return ExpectedVersion::any();
  if (text == "none") return ExpectedVersion::none();
  StreamVersion version = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return ExpectedVersion::exact(version);
}

std::string_view reason(AppendOutcome outcome) {
  switch (outcome) {
    case AppendOutcome::version_conflict:
      return "the stream is not at the expected version";
    case AppendOutcome::id_conflict:
      return "an event of this id is stored in another stream";
    default:
      return "refused";
  }
}

/// Appends one line; what became of it is printed.
int append_line(EventStore& store, const EventsArguments& arguments, const std::string& text, std::size_t number,
                ExpectedVersion& expected) {
  auto line = event_from_json(text);
  if (!line) return fail({line.error().what, fmt::format("line {}", number)}, kExitUsage);
  const std::string stream = line->stream.empty() ? arguments.stream : line->stream;
  if (!line->event.envelope.id) line->event.envelope.id = EventId::make();
  const std::string id = line->event.envelope.id.to_string();
  std::vector<EncodedEvent> events;
  events.push_back(std::move(line->event));
  const auto receipt = store.append(AppendRequest::to(stream, expected, std::move(events)));
  if (!receipt) return fail({receipt.error().what, fmt::format("line {}: {}", number, receipt.error().where)});
  if (!receipt->is_stored()) {
    return fail(
        {fmt::format("{}: {} is at version {}", reason(receipt->outcome), stream, receipt->streams[0].last),
         fmt::format("line {}", number)});
  }
  if (expected.kind == ExpectedVersion::Kind::exact) expected = ExpectedVersion::exact(receipt->streams[0].last);
  const bool duplicate = receipt->outcome == AppendOutcome::duplicate;
  if (arguments.json) {
    std::string out = "{\"stream\":";
    append_json_string(out, stream);
    fmt::print("{},\"version\":{},\"position\":{},\"id\":\"{}\",\"duplicate\":{}}}\n", out,
               receipt->streams[0].last, receipt->last, id, duplicate);
  } else {
    fmt::print("{}@{}  position {}  id {}{}\n", stream, receipt->streams[0].last, receipt->last, id,
               duplicate ? "  (stored before)" : "");
  }
  return kExitOk;
}

}  // namespace

int events_streams(const EventsArguments& arguments) {
  auto store = open(arguments, SqliteAccess::read);
  if (!store) return fail(store.error());
  const auto streams = (*store)->streams(arguments.stream, limit_of(arguments));
  if (!streams) return fail(streams.error());
  TextTable table({"stream", "version", "first kept"});
  for (const StreamInfo& stream : *streams) {
    if (arguments.json) {
      std::string out = "{\"stream\":";
      append_json_string(out, stream.name);
      fmt::print("{},\"version\":{},\"first\":{}}}\n", out, stream.version, stream.first);
    }
    table.add({stream.name, std::to_string(stream.version), std::to_string(stream.first)});
  }
  if (!arguments.json) fmt::print("{}", table.text());
  return kExitOk;
}

int events_read(const EventsArguments& arguments) {
  auto query = query_of(arguments);
  if (!query) return fail(query.error(), kExitUsage);
  auto store = open(arguments, SqliteAccess::read);
  if (!store) return fail(store.error());
  const bool whole_stream =
      !arguments.stream.empty() && query->any_of.empty() && arguments.after == 0 && !arguments.follow;
  return whole_stream ? read_stream(**store, arguments) : read_store(**store, arguments, std::move(query).value());
}

int events_append(const EventsArguments& arguments) {
  auto expected = expected_of(arguments.expect);
  if (!expected) return fail({"--expect: any, none or a version", {}}, kExitUsage);
  auto store = open(arguments, SqliteAccess::create);
  if (!store) return fail(store.error());
  std::size_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    if (line.empty()) continue;
    if (const int code = append_line(**store, arguments, line, number, *expected); code != kExitOk) return code;
  }
  return kExitOk;
}

int events_verify(const EventsArguments& arguments) {
  const auto verdict = verify_sqlite_store(arguments.file);
  if (!verdict) return fail(verdict.error());
  if (arguments.json) {
    std::string problems;
    for (const std::string& problem : verdict->problems) {
      problems += problems.empty() ? "" : ",";
      append_json_string(problems, problem);
    }
    fmt::print("{{\"streams\":{},\"events\":{},\"problems\":[{}]}}\n", verdict->streams, verdict->events,
               problems);
  } else {
    for (const std::string& problem : verdict->problems) fmt::print("{}\n", problem);
    fmt::print("{} events in {} streams: {}\n", verdict->events, verdict->streams,
               verdict->problems.empty() ? "whole" : "damaged");
  }
  return verdict->problems.empty() ? kExitOk : kExitFailed;
}

int events_backup(const EventsArguments& arguments) {
  if (const auto done = backup_sqlite_store(arguments.file, arguments.backup); !done) return fail(done.error());
  const auto verdict = verify_sqlite_store(arguments.backup);
  if (!verdict) return fail(verdict.error());
  if (arguments.json) {
    std::string out = "{\"copy\":";
    append_json_string(out, arguments.backup.string());
    fmt::print("{},\"events\":{},\"whole\":{}}}\n", out, verdict->events, verdict->problems.empty());
  } else {
    fmt::print("{}: {} events\n", arguments.backup.string(), verdict->events);
  }
  return verdict->problems.empty() ? kExitOk : kExitFailed;
}

}  // namespace headrace::program
