#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>

#include "dlq_command.hpp"
#include "events_command.hpp"
#include "trace_command.hpp"

namespace headrace::program {

/// Adds `events` and its commands. `chosen` becomes the one that the command line asks for; the arguments must
/// outlive it.
inline void add_events(CLI::App& app, EventsArguments& arguments, std::function<int()>& chosen) {
  CLI::App* events = app.add_subcommand("events", "Look into an event store's file, also while it is in use");
  events->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, int (*run)(const EventsArguments&)) {
    CLI::App* command = events->add_subcommand(name, text);
    command->add_option("file", arguments.file, "The SQLite file")->required();
    command->add_flag("--json", arguments.json, "One JSON object a line");
    command->callback([&chosen, &arguments, run] { chosen = [&arguments, run] { return run(arguments); }; });
    return command;
  };

  CLI::App* streams = add("streams", "List the streams", events_streams);
  streams->add_option("--after", arguments.stream, "Only those whose name comes after this one");
  streams->add_option("--limit", arguments.limit, "So many at most");

  CLI::App* read = add("read", "Show events", events_read);
  read->add_option("--stream", arguments.stream, "Only those of one stream");
  read->add_option("--topic", arguments.topics, "Only those whose topic fits: orders.#");
  read->add_option("--tag", arguments.tags, "Only those with this tag; given twice, with both");
  read->add_option("--after", arguments.after, "Only those behind this position");
  read->add_option("--limit", arguments.limit, "So many at most");
  read->add_flag("--backward", arguments.backward, "The newest first");
  read->add_flag("--follow", arguments.follow, "Go on with what is appended, until interrupted");

  CLI::App* append = add("append", "Append events from standard input, JSON as read prints it", events_append);
  append->add_option("--stream", arguments.stream, "The stream of lines that name none");
  append->add_option("--expect", arguments.expect, "The stream's version: any, none or a number")
      ->capture_default_str();

  add("verify", "Check every page and event of the file", events_verify);

  CLI::App* retain = add("retain", "Remove the oldest events, once", events_retain);
  const std::map<std::string, double> units{{"s", 1.0}, {"m", 60.0}, {"h", 3600.0}, {"d", 86400.0}};
  retain->add_option("--older", arguments.older_s, "Those that were stored longer ago: 90d, 12h, 30m, 60s")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_SENSITIVE));
  retain->add_option("--max-bytes", arguments.bytes_max, "As many as make the rest fit: 2GB")
      ->transform(CLI::AsSizeValue(false));
  retain->add_option("--streams", arguments.streams, "Only of streams that fit, with * and ?");
  retain->add_flag("--unread", arguments.unread, "Also what some projection or outbox has not read");
  retain->add_option("--ignore-checkpoint", arguments.ignored_checkpoints, "Of a reader that is no more");

  CLI::App* backup = add("backup", "Copy the store as it is now", events_backup);
  backup->add_option("to", arguments.backup, "The copy, a new file")->required();
}

/// Adds `dlq` and its commands, as add_events().
inline void add_dlq(CLI::App& app, DlqArguments& arguments, std::function<int()>& chosen) {
  CLI::App* dlq = app.add_subcommand("dlq", "Look into the dead letters of an event store's file");
  dlq->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, int (*run)(const DlqArguments&)) {
    CLI::App* command = dlq->add_subcommand(name, text);
    command->add_option("file", arguments.file, "The SQLite file")->required();
    command->add_flag("--json", arguments.json, "One JSON object a line");
    command->callback([&chosen, &arguments, run] { chosen = [&arguments, run] { return run(arguments); }; });
    return command;
  };
  const auto add_filter = [&](CLI::App* command) {
    command->add_option("--subscription", arguments.subscription, "Only letters of this subscription");
    command->add_option("--topic", arguments.topic, "Only letters of this topic, its whole name");
    command->add_option("--key", arguments.key, "Only letters of this key");
  };

  CLI::App* list = add("list", "List dead letters", dlq_list);
  add_filter(list);
  list->add_option("--limit", arguments.limit, "So many at most")->capture_default_str();

  CLI::App* show = add("show", "Show one letter with all its attempts", dlq_show);
  show->add_option("id", arguments.id, "The letter's number")->required();

  CLI::App* discard = add("discard", "Remove letters for good", dlq_discard);
  discard->add_option("id", arguments.id, "The letter's number");
  add_filter(discard);
  discard->add_flag("--all", arguments.all, "All of them");

  const auto add_pace = [&](CLI::App* command) {
    command->add_option("--rate", arguments.rate, "Letters a second; 0: as quickly as they are handled")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    command->add_option("--timeout", arguments.timeout_s, "Seconds that the bus may be silent")
        ->check(CLI::Range(0.1, 1e6))
        ->capture_default_str();
  };
  CLI::App* redrive = add("redrive", "Let the running bus handle letters again, and wait for it", dlq_redrive);
  redrive->add_option("id", arguments.id, "The letter's number");
  add_filter(redrive);
  redrive->add_flag("--all", arguments.all, "All of them");
  redrive->add_option("--limit", arguments.redrive_limit, "So many at most");
  add_pace(redrive);

  CLI::App* release =
      add("release", "The same for a parked key, in order, up to the first that fails", dlq_release);
  release->add_option("--subscription", arguments.subscription, "Whose letters")->required();
  release->add_option("--key", arguments.key, "Of which key")->required();
  add_pace(release);
}

/// Adds `trace`, as add_events().
inline void add_trace(CLI::App& app, TraceArguments& arguments, std::function<int()>& chosen) {
  CLI::App* trace = app.add_subcommand(
      "trace", "Show what one business transaction did, from an event store's file or a recording");
  trace->add_option("correlation", arguments.correlation, "The correlation id, or the id of one of its events")
      ->required();
  trace->add_option("file", arguments.file, "The SQLite file, or the recording")->required();
  trace->add_flag("--json", arguments.json, "One JSON object a line");
  trace->add_option("--format", arguments.format, "text, mermaid or graphviz")
      ->check(CLI::IsMember({"text", "mermaid", "graphviz"}))
      ->capture_default_str();
  trace->callback([&chosen, &arguments] { chosen = [&arguments] { return trace_command(arguments); }; });
}

}  // namespace headrace::program
