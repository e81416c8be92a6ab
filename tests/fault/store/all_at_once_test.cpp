#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "file_broker.hpp"
#include "headrace/bus/outbox.hpp"
#include "headrace/sourcing/projection.hpp"
#include "temporary_folder.hpp"
#include "workshop.hpp"
#include "writing_child.hpp"

namespace headrace::test {
namespace {

constexpr std::chrono::hours kNoHurry{1};
constexpr std::uint32_t kPairWriters = 2;
constexpr std::uint32_t kSagaStarter = kPairWriters;  // who an acknowledgement of a saga's start is from
constexpr std::uint32_t kSagasAhead = 4;

std::string busy_id(std::uint32_t run, std::uint32_t number) {
  return std::to_string(run) + "-" + std::to_string(number);
}

std::unique_ptr<SqliteEventStore> busy_store(const TemporaryFolder& folder) {
  auto store = SqliteEventStore::open(
      {.file = folder / "busy.db", .durability = SqliteDurability::memory, .wal_pages = 20});
  HEADRACE_CHECK("test.open", store.has_value(), "the store does not open");
  const Status made = (*store)->transact([](SqliteTransaction& transaction) -> Status {
    const auto table = transaction.run(
        "CREATE TABLE IF NOT EXISTS events_by_topic (name TEXT PRIMARY KEY, events INTEGER, positions INTEGER)");
    return table ? Status{Nothing{}} : Status{table.error()};
  });
  HEADRACE_CHECK("test.open", made.has_value(), "there is no read model");
  return std::move(store).value();
}

/// What can be done with one store, all at the same time: appends by several threads, sagas, an outbox and a
/// projection.
class BusyProgram {
 public:
  explicit BusyProgram(const TemporaryFolder& folder)
      : folder_(folder),
        store_(busy_store(folder)),
        workshop_(*store_, {.checkpoints = &store_->checkpoints()}),
        topics_(*store_, {.name = "topics"}, store_->read_model("topics", count_topic)),
        broker_(folder / "broker"),
        outbox_(*store_, store_->checkpoints(), broker_, write_id, {.name = "outbox", .save_events = 4}) {
    outbox_.start();
  }

  void work_for_ever(int pipe, std::uint32_t run) {
    std::vector<std::thread> threads;
    for (std::uint32_t writer = 0; writer < kPairWriters; ++writer) {
      threads.emplace_back(
          [&, writer] { append_from_one_thread(*store_, writer, pipe, Honesty::acknowledges_when_stored); });
    }
    for (std::uint32_t number = 0;; ++number) {
      const auto started = workshop_.runner().start(busy_id(run, number), "input");
      if (!started || *started != SagaRunner::Started::started) ::_exit(2);
      say(pipe, {kSagaStarter, number, {}});
      if (number < kSagasAhead) continue;
      if (!workshop_.runner().wait_for(busy_id(run, number - kSagasAhead), kNoHurry)) ::_exit(3);
    }
  }

  /// Empty when all is well, once everything has caught up.
  [[nodiscard]] std::string fault(const std::vector<std::string>& sagas) {
    for (const std::string& id : sagas) {
      if (const std::string found = workshop_.fault(id); !found.empty()) return "saga " + id + ": " + found;
    }
    for (const std::string& id : workshop_.all_ids()) {
      if (const std::string found = workshop_.fault(id); !found.empty()) return "saga " + id + ": " + found;
    }
    const auto last = *store_->last_position();
    if (!topics_.wait_for(last, kNoHurry)) return topics_.status().error->message();
    broker_.send_all();
    if (!outbox_.wait_for(last, kNoHurry)) return outbox_.status().error->message();
    Topics replayed;
    std::vector<std::string> ids;
    for (const StoredEvent& event : read_all(*store_)) {
      auto& [events, positions] = replayed[event.event.envelope.topic];
      ++events;
      positions += static_cast<std::int64_t>(event.position);
      ids.push_back(event.event.envelope.id.to_string());
    }
    if (topics() != replayed) return "the read model is not what a replay from zero gives";
    if (FileBroker::first_copies(folder_ / "broker") != ids) {
      return "the broker did not get every event, once each but for repetitions, in order";
    }
    return {};
  }

 private:
  /// How many events, and the sum of their positions.
  using Topics = std::map<std::string, std::pair<std::int64_t, std::int64_t>>;

  static Status count_topic(SqliteTransaction& transaction, const StoredEvent& event) {
    const auto done = transaction.run(
        "INSERT INTO events_by_topic VALUES (?1, 1, ?2) ON CONFLICT (name) DO UPDATE SET events = events + 1, "
        "positions = positions + ?2",
        {event.event.envelope.topic, static_cast<std::int64_t>(event.position)});
    return done ? Status{Nothing{}} : Status{done.error()};
  }
  [[nodiscard]] Topics topics() {
    Topics found;
    const Status looked = store_->transact([&](SqliteTransaction& transaction) -> Status {
      const auto rows = transaction.query("SELECT name, events, positions FROM events_by_topic");
      if (!rows) return rows.error();
      for (const SqlRow& row : *rows) {
        found[std::get<std::string>(row[0])] = {std::get<std::int64_t>(row[1]), std::get<std::int64_t>(row[2])};
      }
      return Nothing{};
    });
    HEADRACE_CHECK("test.read", looked.has_value(), "the read model cannot be read");
    return found;
  }

  const TemporaryFolder& folder_;
  std::unique_ptr<SqliteEventStore> store_;
  Workshop workshop_;
  Projection topics_;
  FileBroker broker_;
  Outbox outbox_;
};

// Claim:  whenever a process is killed that appends, runs sagas, sends an outbox and keeps a read model at the same
//         time: no acknowledged event is lost, none stands twice in a stream, every saga ends in exactly one of its
//         two ends, the broker gets every event in order, and the read model is what a replay from zero gives.
// Method: kill -9 after a random number of acknowledgements, on one file; the next process takes up what the last
//         one left. HEADRACE_KILLS says how often, 15 without.
TEST(StoreKilled, EverythingAtOnceEndsAsIfNothingHadHappened) {
  const TemporaryFolder folder;
  std::mt19937_64 random(5);
  std::vector<Acknowledged> appended;
  std::vector<std::string> sagas;
  for (auto run = static_cast<std::uint32_t>(from_environment("HEADRACE_KILLS", 15)); run > 0; --run) {
    WritingChild child([&](int pipe) { BusyProgram(folder).work_for_ever(pipe, run); });
    child.wait_for(1 + random() % 100);
    const auto said = child.kill();
    ASSERT_FALSE(said.empty());
    for (const Acknowledged& one : said) {
      if (one.writer == kSagaStarter) {
        sagas.push_back(busy_id(run, one.number));
      } else {
        appended.push_back(one);
      }
    }
  }
  EXPECT_EQ(faults_of(folder / "busy.db", kPairWriters, appended), std::vector<std::string>{});
  EXPECT_EQ(BusyProgram(folder).fault(sagas), "");
}

}  // namespace
}  // namespace headrace::test
