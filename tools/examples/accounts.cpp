// Event sourcing: accounts whose only truth is what happened to them, in one SQLite file.
// docs/guide/05-event-sourcing.md walks through it.

#include <headrace/sourcing/aggregate.hpp>
#include <headrace/sourcing/projection.hpp>
#include <headrace/sourcing/topic_filter.hpp>
#include <headrace/sqlite/event_store.hpp>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace hr = headrace;

// What is known of an account, and how one event changes it.
struct Account {
  std::int64_t cents = 0;
};

std::int64_t cents_of(const hr::EncodedEvent& event) {
  return std::stoll(std::string(reinterpret_cast<const char*>(event.body.data()), event.body.size()));
}

hr::Status fold(Account& account, const hr::StoredEvent& stored) {
  const std::string& topic = stored.event.envelope.topic;
  if (topic == "account.deposited") account.cents += cents_of(stored.event);
  if (topic == "account.withdrawn") account.cents -= cents_of(stored.event);
  return hr::Nothing{};
}

hr::EncodedEvent event(const char* topic, std::int64_t cents) {
  hr::EncodedEvent made;
  made.envelope.id = hr::EventId::make();
  made.envelope.topic = topic;
  made.content_type = "text/plain";
  for (const char digit : std::to_string(cents)) made.body.push_back(static_cast<std::byte>(digit));
  return made;
}

// Decisions: from the state to what shall happen, or to why not.
using Decision = hr::Result<std::vector<hr::EncodedEvent>>;

auto deposit(std::int64_t cents) {
  return [cents](const Account&) -> Decision { return std::vector{event("account.deposited", cents)}; };
}

auto withdraw(std::int64_t cents) {
  return [cents](const Account& account) -> Decision {
    if (account.cents < cents) return hr::Error{"there is not enough money", {}};
    return std::vector{event("account.withdrawn", cents)};
  };
}

// A read model: turnover by kind of movement, in a table beside the events.
hr::Status count_turnover(hr::SqliteTransaction& transaction, const hr::StoredEvent& stored) {
  if (auto made = transaction.run("CREATE TABLE IF NOT EXISTS turnover (topic TEXT PRIMARY KEY, cents INTEGER)");
      !made) {
    return made.error();
  }
  const auto added = transaction.run(
      "INSERT INTO turnover VALUES (?1, ?2) ON CONFLICT (topic) DO UPDATE SET cents = cents + excluded.cents",
      {stored.event.envelope.topic, cents_of(stored.event)});
  return added ? hr::Status{hr::Nothing{}} : hr::Status{added.error()};
}

int run(const std::filesystem::path& file) {
  auto opened = hr::SqliteEventStore::open({.file = file});
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message().c_str());
    return 1;
  }
  hr::SqliteEventStore& store = **opened;

  hr::AggregateKind<Account> kind;
  kind.fold = fold;
  kind.hot_max = 1000;
  hr::Aggregate<Account> accounts(store, kind);

  if (!accounts.execute("account-7", deposit(5000))) return 1;
  const auto paid = accounts.execute("account-7", withdraw(1999));
  if (!paid) return 1;
  std::printf("account-7 has %" PRId64 " cents after %" PRIu64 " events\n", paid->state.cents, paid->version);
  const auto refused = accounts.execute("account-7", withdraw(1'000'000));
  if (refused) return 1;
  std::printf("refused: %s\n", refused.error().message().c_str());

  auto pattern = hr::topic_filter("account.#");
  if (!pattern) return 1;
  hr::ProjectionOptions options;
  options.name = "turnover";
  options.query = hr::EventQuery::of_topic(*pattern);
  hr::Projection turnover(store, options, store.read_model("turnover", count_turnover));
  if (!turnover.wait_for(*store.last_position(), std::chrono::seconds(10))) return 1;

  std::int64_t withdrawn = 0;
  const auto looked = store.transact([&](hr::SqliteTransaction& transaction) -> hr::Status {
    auto rows = transaction.query("SELECT cents FROM turnover WHERE topic = 'account.withdrawn'");
    if (!rows) return rows.error();
    withdrawn = std::get<std::int64_t>(rows->at(0).at(0));
    return hr::Nothing{};
  });
  std::printf("withdrawn in all: %" PRId64 " cents\n", withdrawn);
  return looked && withdrawn == 1999 && paid->state.cents == 3001 ? 0 : 1;
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "accounts-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  const int code = run(std::filesystem::path(folder) / "accounts.db");
  std::filesystem::remove_all(folder);
  return code;
}
