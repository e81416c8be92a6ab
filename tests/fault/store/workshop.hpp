#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "headrace/process/saga_runner.hpp"
#include "headrace/sqlite/event_store.hpp"

namespace headrace::test {

using Effects = std::vector<std::string>;

/// Which end a saga comes to, and how, is decided by its id.
enum class Fate : std::uint8_t { completes, refused_at_the_end, given_up_in_between, hard_to_undo };

inline Fate fate_of(const std::string& id) {
  return static_cast<Fate>(std::stoul(id.substr(id.find('-') + 1)) % 4);
}

/// A program whose steps have effects in a table, each once however often it is told: its rows are what the world
/// has seen of a saga, in the order in which it saw them.
class Workshop {
 public:
  explicit Workshop(SqliteEventStore& store, SagaOptions options = {}) : store_(store) {
    const Status opened = open(std::move(options));
    HEADRACE_CHECK("test.open", opened.has_value(), "the workshop does not open");
  }
  /// As the constructor, where the disk may fail; nullptr then.
  [[nodiscard]] static std::unique_ptr<Workshop> try_open(SqliteEventStore& store, SagaOptions options) {
    std::unique_ptr<Workshop> workshop(new Workshop(store, Closed{}));
    return workshop->open(std::move(options)) ? std::move(workshop) : nullptr;
  }

  [[nodiscard]] SagaRunner& runner() { return *runner_; }

  /// Empty when the saga has ended as it should, and the world has seen what belongs to that end.
  [[nodiscard]] std::string fault(const std::string& id, std::chrono::milliseconds wait = std::chrono::hours{1}) {
    const auto state = runner_->wait_for(id, wait);
    if (!state) return state.error().message();
    if (state->version == 0) return "acknowledged, and not there";
    const bool completes = fate_of(id) == Fate::completes;
    if (state->phase != (completes ? SagaPhase::completed : SagaPhase::compensated)) {
      return std::string{"its end is: "} + std::string{to_string(state->phase)};
    }
    std::size_t ends = 0;
    const auto read = store_.read_stream({.stream = "saga-work-" + id}, [&](const StoredEvent& event) {
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
    const auto streams = store_.streams("", 1'000'000);
    for (const StreamInfo& stream : *streams) {
      if (stream.name.starts_with(kPrefix)) ids.push_back(stream.name.substr(kPrefix.size()));
    }
    return ids;
  }

 private:
  struct Closed {};
  Workshop(SqliteEventStore& store, Closed) : store_(store) {}

  [[nodiscard]] Status open(SagaOptions options) {
    const Status made = store_.transact([](SqliteTransaction& transaction) -> Status {
      const auto table = transaction.run(
          "CREATE TABLE IF NOT EXISTS effects (number INTEGER PRIMARY KEY, saga TEXT, what TEXT, UNIQUE (saga, "
          "what))");
      return table ? Status{Nothing{}} : Status{table.error()};
    });
    if (!made) return made;
    auto letters = store_.dead_letters();
    if (!letters) return letters.error();
    letters_ = std::move(letters).value();
    auto runner = SagaRunner::open(store_, *letters_, table(), std::move(options));
    if (!runner) return runner.error();
    runner_ = std::move(runner).value();
    return Nothing{};
  }

  Saga table() {
    Saga saga{"work", 1, {step("a"), step("b"), step("c"), step("d")}};
    saga.steps[2].beside_previous = true;
    return saga;
  }

  SagaStep step(const char* name) {
    SagaStep made;
    made.name = name;
    made.retry = made.compensation_retry = RetryPolicy::exponential(std::chrono::microseconds{100}, 2.0, 3);
    made.action = [this, what = std::string{name}](const StepCall& call) {
      const Fate fate = fate_of(call.id());
      if (what == "d" && fate != Fate::completes) return StepAnswer::refuse("by fate");
      if (!happen(call.id(), what)) return StepAnswer::retry("the table is away");
      if (what == "c" && fate == Fate::given_up_in_between) return StepAnswer::retry("by fate");
      return StepAnswer::done();
    };
    made.compensation = [this, what = "-" + std::string{name}](const StepCall& call) {
      if (fate_of(call.id()) == Fate::hard_to_undo && call.attempt() < 3) return StepAnswer::retry("by fate");
      return happen(call.id(), what) ? StepAnswer::done() : StepAnswer::retry("the table is away");
    };
    return made;
  }

  /// Tries twice: a fault that has gone by then costs no attempt, which is counted.
  [[nodiscard]] bool happen(const std::string& id, const std::string& what) {
    const auto once = [&] {
      const Status done = store_.transact([&](SqliteTransaction& transaction) -> Status {
        const auto row = transaction.run("INSERT OR IGNORE INTO effects (saga, what) VALUES (?1, ?2)", {id, what});
        return row ? Status{Nothing{}} : Status{row.error()};
      });
      return done.has_value();
    };
    return once() || once();
  }

  [[nodiscard]] Effects seen(const std::string& id) {
    Effects effects;
    const Status looked = store_.transact([&](SqliteTransaction& transaction) -> Status {
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

  SqliteEventStore& store_;
  std::unique_ptr<DeadLetterStore> letters_;
  std::unique_ptr<SagaRunner> runner_;
};

}  // namespace headrace::test
