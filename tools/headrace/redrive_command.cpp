#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "dlq_command.hpp"
#include "exit_code.hpp"
#include "headrace/sqlite/event_store.hpp"

// The bus lives in another process: what it shall do goes through the file, and so does what becomes of it.

namespace headrace::program {
namespace {

using State = DeadLetterAnswer::State;

constexpr std::chrono::milliseconds kLookAtAnswerEvery{50};

EventTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

std::string_view state_name(State state) {
  switch (state) {
    case State::asked:
      return "asked";
    case State::running:
      return "running";
    case State::finished:
      return "finished";
    case State::withdrawn:
      return "withdrawn";
  }
  return "unknown";
}

/// What became of the request, and what there is to say of it beside.
int say_answer(const DlqArguments& arguments, DeadLetterRequestId id, const DeadLetterAnswer& answer,
               const std::string& trouble) {
  const bool well = trouble.empty() && answer.error.empty() && answer.returned == 0 && answer.skipped == 0;
  if (arguments.json) {
    nlohmann::ordered_json json{{"request", id},
                                {"state", state_name(answer.state)},
                                {"by", answer.by},
                                {"handled", answer.handled},
                                {"returned", answer.returned},
                                {"skipped", answer.skipped},
                                {"why_skipped", answer.why_skipped},
                                {"error", trouble.empty() ? answer.error : trouble}};
    fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return well ? kExitOk : kExitFailed;
  }
  if (!answer.by.empty()) {
    fmt::print("{}: {} handled, {} failed again and stand where they stood, {} skipped\n", answer.by,
               answer.handled, answer.returned, answer.skipped);
  }
  if (!answer.why_skipped.empty()) fmt::print("skipped: {}\n", answer.why_skipped);
  const std::string& error = trouble.empty() ? answer.error : trouble;
  if (!error.empty()) return fail({error, {}});
  return well ? kExitOk : kExitFailed;
}

/// Waits until the request has ended, or nobody is heard of for the timeout.
int follow_request(const DlqArguments& arguments, DeadLetterRequests& requests, DeadLetterRequestId id) {
  using Clock = std::chrono::steady_clock;
  const auto timeout =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(arguments.timeout_s));
  EventTime heard_at{};
  for (auto silent_since = Clock::now();;) {
    const auto answer = requests.look(id);
    if (!answer) return fail(answer.error());
    if (!*answer) return fail({fmt::format("request {} is gone from the file", id), arguments.file.string()});
    if ((*answer)->state == State::finished) return say_answer(arguments, id, **answer, {});
    if ((*answer)->heard_at != heard_at) {
      heard_at = (*answer)->heard_at;
      silent_since = Clock::now();
    }
    if (Clock::now() - silent_since >= timeout) {
      if ((*answer)->state == State::running) {
        return say_answer(
            arguments, id, **answer,
            fmt::format("nothing was heard of it for {} s; letters that it holds come back when their lease "
                        "runs out",
                        arguments.timeout_s));
      }
      const auto withdrawn = requests.withdraw(id);
      if (!withdrawn) return fail(withdrawn.error());
      if (*withdrawn) {
        DeadLetterAnswer nobody;
        nobody.state = State::withdrawn;
        return say_answer(
            arguments, id, nobody,
            fmt::format("no bus answered within {} s, and the request was withdrawn: is the program running "
                        "that has {} open, with a DeadLetterService?",
                        arguments.timeout_s, arguments.file.string()));
      }
      silent_since = Clock::now();  // somebody has just begun it
    }
    std::this_thread::sleep_for(kLookAtAnswerEvery);
  }
}

int ask_bus(const DlqArguments& arguments, DeadLetterRequest request) {
  SqliteOptions options;
  options.file = arguments.file;
  options.access = SqliteAccess::write;
  const auto store = SqliteEventStore::open(options);
  if (!store) return fail(store.error());
  DeadLetterRequests& requests = (*store)->dead_letter_requests();
  request.letters_per_second = arguments.rate;
  const auto patience =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(arguments.timeout_s));
  const auto id = requests.ask(request, wall_now(), wall_now() + patience);
  return id ? follow_request(arguments, requests, *id) : fail(id.error());
}

}  // namespace

int dlq_redrive(const DlqArguments& arguments) {
  if (!says_which_letters(arguments)) {
    return fail({"redrive: say which letters (an id, --subscription, --topic, --key), or --all", {}}, kExitUsage);
  }
  DeadLetterRequest request;
  request.filter = filter_of(arguments);
  if (arguments.redrive_limit != 0) request.letters_max = arguments.redrive_limit;
  return ask_bus(arguments, std::move(request));
}

int dlq_release(const DlqArguments& arguments) {
  DeadLetterRequest request;
  request.action = DeadLetterRequest::Action::release;
  request.filter = filter_of(arguments);
  return ask_bus(arguments, std::move(request));
}

}  // namespace headrace::program
