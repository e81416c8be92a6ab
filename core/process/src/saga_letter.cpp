#include "saga_letter.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "headrace/base/utf8.hpp"
#include "headrace/event/base64.hpp"
#include "saga_event.hpp"

namespace headrace {
namespace {

void append_text(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

/// `"name":"text"`, or `"name_base64"` where the bytes are no text.
void append_member(std::string& out, std::string_view name, std::string_view text) {
  const bool is_text = malformed_utf8(text) == std::string_view::npos;
  append_text(out, std::string{name} + (is_text ? "" : "_base64"));
  out += ':';
  append_text(out, is_text ? std::string{text} : to_base64(std::as_bytes(std::span{text})));
}

std::string history_of(std::span<const EncodedEvent> events) {
  std::string out = "[";
  for (const EncodedEvent& event : events) {
    out += out.size() > 1 ? ",{" : "{";
    append_member(out, "what", event.envelope.topic);
    out += ",\"time_ns\":" + std::to_string(event.envelope.time.time_since_epoch().count());
    for (const auto& [name, value] : event.envelope.headers) {
      out += ',';
      append_member(out, name, value);
    }
    if (!event.body.empty()) {
      out += ',';
      append_member(out, "body", {reinterpret_cast<const char*>(event.body.data()), event.body.size()});
    }
    out += '}';
  }
  return out + "]";
}

/// Those of the compensation that was given up, since it began or was revived.
std::vector<Attempt> attempts_of(const Saga& saga, const SagaStepState& step,
                                 std::span<const EncodedEvent> events) {
  std::vector<Attempt> attempts;
  for (const EncodedEvent& event : events) {
    if (saga_event::header(event.envelope, saga_event::kStep) != step.name) continue;
    const std::string_view what = saga_event::what_of(saga, event.envelope.topic);
    if (what == saga_event::kCompensationBegun || what == saga_event::kRevived) attempts.clear();
    if (what != saga_event::kCompensationRetried && what != saga_event::kCompensationGivenUp) continue;
    Attempt& attempt = attempts.emplace_back();
    attempt.number =
        static_cast<std::uint32_t>(saga_event::number(event.envelope, saga_event::kAttempt).value_or(0));
    attempt.at = event.envelope.time;
    attempt.failure = FailureClass::failed;
    attempt.error = saga_event::header(event.envelope, saga_event::kError);
  }
  if (attempts.size() > kAttemptsKept) {
    attempts.erase(attempts.begin() + 1, attempts.end() - static_cast<std::ptrdiff_t>(kAttemptsKept - 1));
  }
  return attempts;
}

}  // namespace

std::string subscription_of(const Saga& saga) { return "saga " + saga.name; }

DeadLetter letter_of(const Saga& saga, const SagaState& state, std::span<const EncodedEvent> history) {
  DeadLetter letter;
  letter.envelope = history.front().envelope;
  letter.body = EncodedBody{"application/json", {}};
  const std::string body = history_of(history);
  const auto bytes = std::as_bytes(std::span{body});
  letter.body->bytes.assign(bytes.begin(), bytes.end());
  letter.subscription = subscription_of(saga);
  letter.failure = FailureClass::failed;
  const auto stuck = std::find_if(state.steps.begin(), state.steps.end(),
                                  [](const SagaStepState& step) { return step.phase == StepPhase::stuck; });
  if (stuck == state.steps.end()) return letter;
  letter.reason = "the compensation of " + stuck->name + " was given up: " + stuck->error;
  letter.attempts = attempts_of(saga, *stuck, history);
  letter.attempts_made = stuck->attempts;
  letter.first_failure = stuck->first_failure;
  letter.last_failure = history.back().envelope.time;
  return letter;
}

}  // namespace headrace
