// Messages that come twice, and a crash at any moment: each changes the program's own table once. Its row, the event that
// tells of it and the memory that it is done are one transaction; so is the dead letter of one that cannot be taken.
// docs/guide/04-idempotency.md walks through it.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "headrace/headrace.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/wire/codecs.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct Payment {
  std::uint64_t number = 0;
  std::int64_t cents = 0;
};
HEADRACE_EVENT(Payment, "payments.made", key(number), number, cents)

constexpr hr::DedupOwner kTill = 1;

/// The row and the event.
hr::Status book(hr::SqliteTransaction& transaction, const Payment& payment, const hr::EncodedEvent& event) {
  const auto number = static_cast<std::int64_t>(payment.number);
  if (auto row = transaction.run("INSERT INTO payments VALUES (?1, ?2)", {number, payment.cents}); !row) {
    return row.error();
  }
  auto appended = transaction.append(hr::AppendRequest::to("till", hr::ExpectedVersion::any(), {event}));
  return appended ? hr::Status(hr::Nothing{}) : hr::Status(appended.error());
}

hr::Status give_up(hr::SqliteTransaction& transaction, const hr::EncodedEvent& event, hr::EventTime now) {
  hr::DeadLetter letter;
  letter.envelope = event.envelope;
  letter.body = hr::EncodedBody{event.content_type, event.body};
  letter.subscription = "till";
  letter.reason = "nobody pays less than nothing";
  letter.first_failure = letter.last_failure = now;
  auto added = transaction.dead_letters()->add({&letter, 1});
  return added ? hr::Status(hr::Nothing{}) : hr::Status(added.error());
}

/// After it the message may be acknowledged. After an error, or a crash, nothing of it has happened.
hr::Status take(hr::SqliteEventStore& store, const hr::EventTypes& types, const Payment& payment) {
  const auto event = types.encode(payment);
  if (!event) return event.error();
  const auto now = std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  const hr::DedupKey key = hr::DedupKey::of(std::to_string(payment.number));
  return store.transact([&](hr::SqliteTransaction& transaction) -> hr::Status {
    const auto seen = transaction.deduplication({.scope = "till", .window = 24h});
    hr::DedupAnswer answer;
    if (auto asked = seen->claim({&key, 1}, kTill, now, {&answer, 1}); !asked) return asked;
    if (answer.claim == hr::DedupClaim::done) return hr::Nothing{};
    // Nobody else sees it in progress: it ends in the same transaction.
    auto taken = payment.cents < 0 ? give_up(transaction, *event, now) : book(transaction, payment, *event);
    if (!taken) return taken;
    const hr::DedupFinish done{key};
    auto finished = seen->finish({&done, 1}, kTill, now);
    return finished ? hr::Status(hr::Nothing{}) : hr::Status(finished.error());
  });
}

bool run(const std::filesystem::path& folder) {
  hr::EventTypes types(std::make_shared<hr::wire::JsonCodec>());
  types.add<Payment>();
  auto opened = hr::SqliteEventStore::open({.file = folder / "till.db"});
  if (!opened) return false;
  hr::SqliteEventStore& store = **opened;
  const auto table = store.transact([](hr::SqliteTransaction& transaction) -> hr::Status {
    auto made = transaction.run("CREATE TABLE payments (number INTEGER, cents INTEGER)");
    return made ? hr::Status(hr::Nothing{}) : hr::Status(made.error());
  });
  if (!table) return false;

  for (const Payment& payment :
       {Payment{1, 1999}, Payment{2, -5}, Payment{1, 1999}, Payment{2, -5}, Payment{3, 1}}) {
    if (auto taken = take(store, types, payment); !taken) {
      std::printf("%s\n", taken.error().message().c_str());
      return false;
    }
  }
  const auto letters = store.dead_letters();
  const auto events = store.last_position();
  if (!letters || !events) return false;
  const auto given_up = (*letters)->list({});
  if (!given_up) return false;
  std::printf("%d payments booked, %d given up\n", static_cast<int>(*events), static_cast<int>(given_up->size()));
  return *events == 2 && given_up->size() == 1;
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "once-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  const bool well = run(folder);
  std::filesystem::remove_all(folder);
  return well ? 0 : 1;
}
