#include "dead_letter_row.hpp"

#include <charconv>
#include <chrono>
#include <vector>

#include "event_row.hpp"
#include "text_list.hpp"

namespace headrace::sqlite {
namespace {

constexpr std::size_t kTextsAnAttempt = 4;

std::int64_t ns_of(EventTime time) { return time.time_since_epoch().count(); }
EventTime time_of(std::int64_t ns) { return EventTime{std::chrono::nanoseconds{ns}}; }

std::string attempts_to_json(const std::vector<Attempt>& attempts) {
  std::vector<std::string> texts;
  for (const Attempt& attempt : attempts) {
    texts.push_back(std::to_string(attempt.number));
    texts.push_back(std::to_string(ns_of(attempt.at)));
    texts.push_back(std::to_string(static_cast<unsigned>(attempt.failure)));
    texts.push_back(attempt.error);
  }
  return to_json(texts);
}

template <class Number>
bool read_number(const std::string& text, Number& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc{} && end == text.data() + text.size();
}

bool attempts_from_json(std::string_view json, std::vector<Attempt>& attempts) {
  std::vector<std::string> texts;
  if (!from_json(json, texts) || texts.size() % kTextsAnAttempt != 0) return false;
  for (std::size_t at = 0; at < texts.size(); at += kTextsAnAttempt) {
    Attempt attempt;
    std::int64_t ns = 0;
    std::uint8_t failure = 0;
    if (!read_number(texts[at], attempt.number) || !read_number(texts[at + 1], ns) ||
        !read_number(texts[at + 2], failure)) {
      return false;
    }
    attempt.at = time_of(ns);
    attempt.failure = static_cast<FailureClass>(failure);
    attempt.error = std::move(texts[at + 3]);
    attempts.push_back(std::move(attempt));
  }
  return true;
}

}  // namespace

int write_letter(Statement& statement, const DeadLetter& letter) {
  const Envelope& envelope = letter.envelope;
  const IdBytes id(envelope.id);
  const IdBytes correlation(envelope.correlation);
  const IdBytes causation(envelope.causation);
  const std::string tags = to_json(envelope.tags);
  const std::string headers = to_json(envelope.headers);
  const std::string attempts = attempts_to_json(letter.attempts);
  const Running running(statement);
  if (letter.id == 0) {
    statement.bind_null(1);
  } else {
    statement.bind(1, letter.id);
  }
  statement.bind(2, std::string_view{letter.subscription});
  bind_id(statement, 3, envelope.id, id);
  statement.bind(4, std::string_view{envelope.topic});
  statement.bind(5, std::int64_t{envelope.version});
  statement.bind(6, std::string_view{envelope.key});
  statement.bind(7, ns_of(envelope.time));
  bind_id(statement, 8, envelope.correlation, correlation);
  bind_id(statement, 9, envelope.causation, causation);
  statement.bind(10, std::string_view{tags});
  statement.bind(11, std::string_view{headers});
  statement.bind(12, std::string_view{letter.body->content_type});
  statement.bind(13, std::span<const std::byte>(letter.body->bytes));
  statement.bind(14, std::int64_t{letter.worker});
  statement.bind(15, static_cast<std::int64_t>(letter.failure));
  statement.bind(16, std::string_view{letter.reason});
  statement.bind(17, std::string_view{attempts});
  statement.bind(18, std::int64_t{letter.attempts_made});
  statement.bind(19, ns_of(letter.first_failure));
  statement.bind(20, ns_of(letter.last_failure));
  statement.bind(21, std::int64_t{letter.parks_key});
  statement.bind(22, std::int64_t{letter.redrives});
  statement.bind(23, std::string_view{letter.type});
  return statement.step();
}

bool read_letter(const Statement& row, DeadLetter& letter) {
  Envelope& envelope = letter.envelope;
  letter.id = row.number(0);
  letter.subscription = row.text(1);
  envelope.id = read_id(row.blob(2));
  envelope.topic = row.text(3);
  envelope.version = static_cast<std::uint32_t>(row.integer(4));
  envelope.key = row.text(5);
  envelope.time = time_of(row.integer(6));
  envelope.correlation = read_id(row.blob(7));
  envelope.causation = read_id(row.blob(8));
  const auto body = row.blob(12);
  letter.body = EncodedBody{std::string{row.text(11)}, {body.begin(), body.end()}};
  letter.worker = static_cast<std::uint32_t>(row.integer(13));
  letter.failure = static_cast<FailureClass>(row.integer(14));
  letter.reason = row.text(15);
  letter.attempts.clear();
  letter.attempts_made = static_cast<std::uint32_t>(row.integer(17));
  letter.first_failure = time_of(row.integer(18));
  letter.last_failure = time_of(row.integer(19));
  letter.parks_key = row.integer(20) != 0;
  letter.redrives = static_cast<std::uint32_t>(row.integer(21));
  letter.type = row.text(22);
  return from_json(row.text(9), envelope.tags) && from_json(row.text(10), envelope.headers) &&
         attempts_from_json(row.text(16), letter.attempts);
}

}  // namespace headrace::sqlite
