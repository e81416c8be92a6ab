#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "headrace/process/saga_runner.hpp"
#include "temporary_folder.hpp"
#include "writing_child.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;
using Effects = std::vector<std::string>;

constexpr std::uint32_t kAhead = 8;  // sagas under way in the child

/// Which end a saga comes to, and how, is decided by its id.
enum class Fate : std::uint8_t { completes, refused_at_the_end, given_up_in_between, hard_to_undo };

Fate fate_of(const std::string& id) { return static_cast<Fate>(std::stoul(id.substr(id.find('-') + 1)) % 4); }

/// A program whose steps have effects in a table, each once however often it is told: its rows are what the world
/// has seen of a saga, in the order in which it saw them.
class Workshop {
 public:
  explicit Workshop(const TemporaryFolder& folder) {
    auto opened = SqliteEventStore::open(
        {.file = folder / "sagas.db", .durability = SqliteDurability::memory, .wal_pages = 20});
    HEADRACE_CHECK("test.open", opened.has_value(), "the store does not open");
    store_ = std::move(opened).value();
    const Status made = store_->transact([](SqliteTransaction& transaction) -> Status {
      const auto table = transaction.run(
          "CREATE TABLE IF NOT EXISTS effects (number INTEGER PRIMARY KEY, saga TEXT, what TEXT, UNIQUE (saga, "
          "what))");
      return table ? Status{Nothing{}} : Status{table.error()};
    });
    auto letters = store_->dead_letters();
    HEADRACE_CHECK("test.open", made.has_value() && letters.has_value(), "the store is not ready");
    letters_ = std::move(letters).value();
    auto runner = SagaRunner::open(*store_, *letters_, table());
    HEADRACE_CHECK("test.open", runner.has_value(), "the runner does not open");
    runner_ = std::move(runner).value();
  }

  [[nodiscard]] SagaRunner& runner() { return *runner_; }

  /// Empty when the saga has ended as it should, and the world has seen what belongs to that end.
  [[nodiscard]] std::string fault(const std::string& id) {
    const auto state = runner_->wait_for(id, 1h);
    if (!state) return state.error().message();
    if (state->version == 0) return "acknowledged, and not there";
    const bool completes = fate_of(id) == Fate::completes;
    if (state->phase != (completes ? SagaPhase::completed : SagaPhase::compensated)) {
      return std::string{"its end is: "} + std::string{to_string(state->phase)};
    }
    std::size_t ends = 0;
    const auto read = store_->read_stream({.stream = "saga-work-" + id}, [&](const StoredEvent& event) {
      const std::string& topic = event.event.envelope.topic;
      if (topic == "saga.work.completed" || topic == "saga.work.compensated") ++ends;
      return Visit::more;
    });
    if (!read || ends != 1) return "it has ended " + std::to_string(ends) + " times";
    const Effects world = seen(id);
    const bool fits = world == expected(id) || world == expected_if_b_never_ran(id);
    return fits ? "" : "the world has not seen what belongs to its end";
  }

  [[nodiscard]] std::vector<std::string> all_ids() {
    constexpr std::string_view kPrefix = "saga-work-";
    std::vector<std::string> ids;
    const auto streams = store_->streams("", 1'000'000);
    for (const StreamInfo& stream : *streams) {
      if (stream.name.starts_with(kPrefix)) ids.push_back(stream.name.substr(kPrefix.size()));
    }
    return ids;
  }

 private:
  Saga table() {
    Saga saga{"work", 1, {step("a"), step("b"), step("c"), step("d")}};
    saga.steps[2].beside_previous = true;
    return saga;
  }

  SagaStep step(const char* name) {
    SagaStep made;
    made.name = name;
    made.retry = made.compensation_retry = RetryPolicy::exponential(100us, 2.0, 3);
    made.action = [this, what = std::string{name}](const StepCall& call) {
      const Fate fate = fate_of(call.id());
      if (what == "d" && fate != Fate::completes) return StepAnswer::refuse("by fate");
      happen(call.id(), what);
      if (what == "c" && fate == Fate::given_up_in_between) return StepAnswer::retry("by fate");
      return StepAnswer::done();
    };
    made.compensation = [this, what = "-" + std::string{name}](const StepCall& call) {
      if (fate_of(call.id()) == Fate::hard_to_undo && call.attempt() < 3) return StepAnswer::retry("by fate");
      happen(call.id(), what);
      return StepAnswer::done();
    };
    return made;
  }

  void happen(const std::string& id, const std::string& what) {
    const Status done = store_->transact([&](SqliteTransaction& transaction) -> Status {
      const auto row = transaction.run("INSERT OR IGNORE INTO effects (saga, what) VALUES (?1, ?2)", {id, what});
      return row ? Status{Nothing{}} : Status{row.error()};
    });
    HEADRACE_CHECK("test.effect", done.has_value(), "an effect does not happen");
  }

  [[nodiscard]] Effects seen(const std::string& id) {
    Effects effects;
    const Status looked = store_->transact([&](SqliteTransaction& transaction) -> Status {
      const auto rows = transaction.query("SELECT what FROM effects WHERE saga = ?1 ORDER BY number", {id});
      if (!rows) return rows.error();
      for (const SqlRow& row : *rows) effects.push_back(std::get<std::string>(row[0]));
      return Nothing{};
    });
    if (!looked) return {looked.error().message()};
    // b and c run side by side.
    if (effects.size() > 2 && effects[1] == "c") std::swap(effects[1], effects[2]);
    return effects;
  }
  static Effects expected(const std::string& id) {
    if (fate_of(id) == Fate::completes) return {"a", "b", "c", "d"};
    return {"a", "b", "c", "-c", "-b", "-a"};
  }
  /// Killed after its neighbour was given up and before its own turn: nobody knows, so it is undone all the same.
  static Effects expected_if_b_never_ran(const std::string& id) {
    if (fate_of(id) != Fate::given_up_in_between) return expected(id);
    return {"a", "c", "-c", "-b", "-a"};
  }

  std::unique_ptr<SqliteEventStore> store_;
  std::unique_ptr<DeadLetterStore> letters_;
  std::unique_ptr<SagaRunner> runner_;
};

std::string id_of(std::uint32_t run, std::uint32_t number) {
  return std::to_string(run) + "-" + std::to_string(number);
}

// Claim:  whenever the process is killed, every saga whose start was acknowledged ends in exactly one of its two
//         ends, and the world sees what belongs to that end: every step, or every step and then every compensation
//         in reverse.
// Method: kill -9 after a random number of starts, on one file; the next process takes up what the last one left.
//         HEADRACE_KILLS says how often, 25 without.
TEST(StoreKilled, SagasEndInOneOfTheirTwoEnds) {
  const TemporaryFolder folder;
  std::mt19937_64 random(11);
  std::vector<std::string> acknowledged;
  for (auto run = static_cast<std::uint32_t>(from_environment("HEADRACE_KILLS", 25)); run > 0; --run) {
    WritingChild child([&](int pipe) {
      Workshop workshop(folder);
      for (std::uint32_t number = 0;; ++number) {
        const auto started = workshop.runner().start(id_of(run, number), "input");
        if (!started || *started != SagaRunner::Started::started) ::_exit(2);
        say(pipe, {run, number, {}});
        if (number >= kAhead && !workshop.runner().wait_for(id_of(run, number - kAhead), 1h)) ::_exit(3);
      }
    });
    child.wait_for(1 + random() % 30);
    const auto said = child.kill();
    ASSERT_FALSE(said.empty());
    for (const Acknowledged& one : said) acknowledged.push_back(id_of(one.writer, one.number));
  }
  Workshop workshop(folder);
  for (const std::string& id : acknowledged) ASSERT_EQ(workshop.fault(id), "") << id;
  for (const std::string& id : workshop.all_ids()) ASSERT_EQ(workshop.fault(id), "") << id;
  EXPECT_EQ(workshop.runner().counts().under_way, 0U);
  EXPECT_EQ(workshop.runner().counts().halted, 0U);
}

}  // namespace
}  // namespace headrace::test
