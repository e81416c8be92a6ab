#include "dlq_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "event_json.hpp"
#include "exit_code.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "text_table.hpp"

namespace headrace::program {
namespace {

using Json = nlohmann::ordered_json;

/// The store stays open with its letters.
struct Opened {
  std::unique_ptr<SqliteEventStore> store;
  std::unique_ptr<DeadLetterStore> letters;
};

Result<Opened> open(const DlqArguments& arguments, SqliteAccess access) {
  SqliteOptions options;
  options.file = arguments.file;
  options.access = access;
  auto store = SqliteEventStore::open(options);
  if (!store) return store.error();
  auto letters = (*store)->dead_letters();
  if (!letters) return letters.error();
  return Opened{std::move(store).value(), std::move(letters).value()};
}

EncodedEvent event_of(const DeadLetter& letter) {
  return {letter.envelope, letter.body->content_type, letter.body->bytes};
}

/// The letter as one object: the event as `headrace events` prints it, and what happened to it.
Json json_of(const DeadLetter& letter) {
  StoredEvent stored;
  stored.event = event_of(letter);
  auto event = Json::parse(to_json_line(stored));
  for (const char* name : {"position", "stream", "version", "stored"}) event.erase(name);
  Json attempts = Json::array();
  for (const Attempt& attempt : letter.attempts) {
    attempts.push_back({{"number", attempt.number},
                        {"at", time_text(attempt.at)},
                        {"failure", to_string(attempt.failure)},
                        {"error", attempt.error}});
  }
  return {{"letter", letter.id},
          {"subscription", letter.subscription},
          {"type", letter.type},
          {"failure", to_string(letter.failure)},
          {"reason", letter.reason},
          {"attempts_made", letter.attempts_made},
          {"first_failure", time_text(letter.first_failure)},
          {"last_failure", time_text(letter.last_failure)},
          {"parks_key", letter.parks_key},
          {"redrives", letter.redrives},
          {"attempts", std::move(attempts)},
          {"event", std::move(event)}};
}

std::string line_of(const DeadLetter& letter) {
  return json_of(letter).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_letter(const DeadLetter& letter) {
  const Envelope& envelope = letter.envelope;
  fmt::print("letter        {}\nsubscription  {}\n", letter.id, letter.subscription);
  fmt::print("event         {}  {}  version {}\n", envelope.id.to_string(), envelope.topic, envelope.version);
  if (!envelope.key.empty()) {
    fmt::print("key           {}{}\n", envelope.key, letter.parks_key ? "  (parked: later events wait)" : "");
  }
  fmt::print("gave up       {}: {}\n", to_string(letter.failure), letter.reason);
  fmt::print("attempts      {}, redriven {} times\n", letter.attempts_made, letter.redrives);
  for (const Attempt& attempt : letter.attempts) {
    fmt::print("  {:>3}  {}  {}  {}\n", attempt.number, time_text(attempt.at), to_string(attempt.failure),
               attempt.error);
  }
  fmt::print("body          {}\n", body_text(event_of(letter)));
}

}  // namespace

DeadLetterFilter filter_of(const DlqArguments& arguments) {
  DeadLetterFilter filter;
  if (arguments.id != 0) filter.id = arguments.id;
  if (!arguments.subscription.empty()) filter.subscription = arguments.subscription;
  if (!arguments.topic.empty()) filter.topic = arguments.topic;
  if (!arguments.key.empty()) filter.key = arguments.key;
  return filter;
}

int dlq_list(const DlqArguments& arguments) {
  const auto opened = open(arguments, SqliteAccess::read);
  if (!opened) return fail(opened.error());
  const auto letters = opened->letters->list(filter_of(arguments), static_cast<std::size_t>(arguments.limit));
  if (!letters) return fail(letters.error());
  TextTable table({"letter", "subscription", "topic", "key", "failure", "attempts", "last failure", "reason"});
  for (const DeadLetter& letter : *letters) {
    if (arguments.json) {
      fmt::print("{}\n", line_of(letter));
    } else {
      table.add({std::to_string(letter.id), letter.subscription, letter.envelope.topic, letter.envelope.key,
                 std::string{to_string(letter.failure)}, std::to_string(letter.attempts_made),
                 time_text(letter.last_failure), letter.reason});
    }
  }
  if (!arguments.json) fmt::print("{}", table.text());
  return kExitOk;
}

int dlq_show(const DlqArguments& arguments) {
  const auto opened = open(arguments, SqliteAccess::read);
  if (!opened) return fail(opened.error());
  const auto letter = opened->letters->show(arguments.id);
  if (!letter) return fail(letter.error());
  if (!*letter) return fail({fmt::format("there is no letter {}", arguments.id), arguments.file.string()});
  if (arguments.json) {
    fmt::print("{}\n", line_of(**letter));
  } else {
    print_letter(**letter);
  }
  return kExitOk;
}

int dlq_discard(const DlqArguments& arguments) {
  if (!says_which_letters(arguments)) {
    return fail({"discard: say which letters (an id, --subscription, --topic, --key), or --all", {}}, kExitUsage);
  }
  const auto opened = open(arguments, SqliteAccess::write);
  if (!opened) return fail(opened.error());
  const auto now = std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  const auto discarded = opened->letters->discard(filter_of(arguments), now);
  if (!discarded) return fail(discarded.error());
  if (arguments.json) {
    fmt::print("{{\"discarded\":{}}}\n", *discarded);
  } else {
    fmt::print("{} discarded; what is being redriven stays\n", *discarded);
  }
  return kExitOk;
}

}  // namespace headrace::program
