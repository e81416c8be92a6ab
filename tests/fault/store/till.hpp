#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "headrace/sqlite/event_store.hpp"
#include "stored_events.hpp"

namespace headrace::test {

using Messages = std::vector<std::int64_t>;

/// A consumer of numbered messages, each of which comes several times. What it makes of one is a single transaction: a
/// row of its own table (of every third a dead letter instead), an event, and the memory that it is done.
class Till {
 public:
  explicit Till(SqliteEventStore& store) : store_(store) {}

  [[nodiscard]] Status take(std::int64_t message) {
    return store_.transact([&](SqliteTransaction& transaction) -> Status {
      const auto seen = transaction.deduplication({.scope = "till"});
      const DedupKey key{0, static_cast<std::uint64_t>(message)};
      DedupAnswer answer;
      if (auto asked = seen->claim({&key, 1}, kTill, kNow, {&answer, 1}); !asked) return asked;
      if (answer.claim == DedupClaim::done) return Nothing{};
      if (auto dealt = is_poison(message) ? give_up(transaction, message) : sell(transaction, message); !dealt) {
        return dealt;
      }
      const auto told = transaction.append(AppendRequest::to(
          "till", ExpectedVersion::any(), {event_of("till.message_taken", std::to_string(message))}));
      if (!told) return told.error();
      const DedupFinish end{key};
      const auto ended = seen->finish({&end, 1}, kTill, kNow);
      return ended ? Status{Nothing{}} : Status{ended.error()};
    });
  }

  /// Empty when of each message everything is there or nothing, and of these everything.
  [[nodiscard]] std::string fault(const Messages& acknowledged) {
    const Messages done = numbers("SELECT key FROM done_events WHERE scope = 'till' AND state = 1");
    Messages expected_sales, expected_letters;
    std::partition_copy(done.begin(), done.end(), std::back_inserter(expected_letters),
                        std::back_inserter(expected_sales), is_poison);
    if (numbers("SELECT message FROM sales") != expected_sales) return "sales and memory differ";
    if (numbers("SELECT CAST(key AS INTEGER) FROM dead_letters") != expected_letters) {
      return "letters and memory differ";
    }
    if (numbers("SELECT CAST(CAST(body AS TEXT) AS INTEGER) FROM events") != done)
      return "events and memory differ";
    for (const std::int64_t message : acknowledged) {
      if (!std::binary_search(done.begin(), done.end(), message)) {
        return "acknowledged, and not there: " + std::to_string(message);
      }
    }
    return "";
  }

  [[nodiscard]] Status make_table() {
    return store_.transact([](SqliteTransaction& transaction) -> Status {
      const auto made = transaction.run("CREATE TABLE IF NOT EXISTS sales (message INTEGER NOT NULL)");
      return made ? Status{Nothing{}} : Status{made.error()};
    });
  }

 private:
  static constexpr DedupOwner kTill = 7;
  static constexpr EventTime kNow{std::chrono::hours{400'000}};
  static bool is_poison(std::int64_t message) { return message % 3 == 0; }

  static Status sell(SqliteTransaction& transaction, std::int64_t message) {
    const auto row = transaction.run("INSERT INTO sales VALUES (?1)", {message});
    return row ? Status{Nothing{}} : Status{row.error()};
  }
  static Status give_up(SqliteTransaction& transaction, std::int64_t message) {
    DeadLetter letter;
    letter.envelope.id = EventId::make();
    letter.envelope.topic = "till.message";
    letter.envelope.key = std::to_string(message);
    letter.body = EncodedBody{"text/plain", bytes_of("?")};
    letter.subscription = "till";
    const auto added = transaction.dead_letters()->add({&letter, 1});
    return added ? Status{Nothing{}} : Status{added.error()};
  }

  /// The first column, sorted; of keys the number within.
  [[nodiscard]] Messages numbers(std::string_view sql) {
    Messages found;
    const Status looked = store_.transact([&](SqliteTransaction& transaction) -> Status {
      const auto rows = transaction.query(sql);
      if (!rows) return rows.error();
      for (const SqlRow& row : *rows) {
        if (const auto* key = std::get_if<std::vector<std::byte>>(&row[0])) {
          std::int64_t number = 0;
          for (const std::byte byte : *key) number = number << 8 | static_cast<std::int64_t>(byte);
          found.push_back(number);
        } else {
          found.push_back(std::get<std::int64_t>(row[0]));
        }
      }
      return Nothing{};
    });
    HEADRACE_CHECK("test.read", looked.has_value(), "the file cannot be read");
    std::sort(found.begin(), found.end());
    return found;
  }

  SqliteEventStore& store_;
};

}  // namespace headrace::test
