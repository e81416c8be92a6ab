#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <string>
#include <variant>
#include <vector>

#include "headrace/process/saga_runner.hpp"
#include "temporary_folder.hpp"
#include "writing_child.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

/// A clock of several processes, which goes on when it is told to.
class SharedClock {
 public:
  SharedClock() {
    void* const page = ::mmap(nullptr, sizeof *now_ns_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    HEADRACE_CHECK("test.mmap", page != MAP_FAILED, "no page");
    now_ns_ = new (page) std::atomic<std::uint64_t>(1'000'000'000);
  }
  ~SharedClock() { ::munmap(now_ns_, sizeof *now_ns_); }
  SharedClock(const SharedClock&) = delete;
  SharedClock& operator=(const SharedClock&) = delete;

  void advance(std::chrono::nanoseconds time) {
    now_ns_->fetch_add(static_cast<std::uint64_t>(time.count()),
                       std::memory_order_relaxed);  // no partner: a value
  }
  [[nodiscard]] TimeSource source() const {
    return {.steady = [](const void* self) { return now(self); },
            .wall =
                [](const void* self) {
                  return TimeSource::WallTime(std::chrono::nanoseconds(static_cast<std::int64_t>(now(self))));
                },
            .self = now_ns_};
  }

 private:
  static std::uint64_t now(const void* self) {
    return static_cast<const std::atomic<std::uint64_t>*>(self)->load(std::memory_order_relaxed);  // no partner
  }
  std::atomic<std::uint64_t>* now_ns_ = nullptr;
};

/// A program that runs sagas under a lease; what its steps do stands in a table, with who did it.
class Shift {
 public:
  Shift(const TemporaryFolder& folder, const SharedClock& clock, std::uint32_t who)
      : who_(who), options_{.lease_for = kLease, .time = clock.source()} {
    auto opened = SqliteEventStore::open({.file = folder / "sagas.db", .durability = SqliteDurability::memory});
    HEADRACE_CHECK("test.open", opened.has_value(), "the store does not open");
    store_ = std::move(opened).value();
    const Status made = store_->transact([](SqliteTransaction& transaction) -> Status {
      const auto table =
          transaction.run("CREATE TABLE IF NOT EXISTS acts (number INTEGER PRIMARY KEY, who INTEGER)");
      return table ? Status{Nothing{}} : Status{table.error()};
    });
    HEADRACE_CHECK("test.open", made.has_value(), "the table cannot be made");
    letters_ = store_->dead_letters().value();
  }

  [[nodiscard]] bool may_begin() {
    return RunnerLease::try_take(store_->leases(), "work", options_).value() != nullptr;
  }
  /// Waits for its turn, then runs sagas and says of each that it has ended.
  void work_for_ever(int pipe) {
    lease_ = RunnerLease::take(store_->leases(), "work", {}, options_).value();
    auto runner = SagaRunner::open(*store_, *letters_, table(), {.lease = lease_.get()}).value();
    for (std::uint32_t number = 0;; ++number) {
      const std::string id = std::to_string(who_) + "-" + std::to_string(number);
      if (!runner->start(id, {})) ::_exit(2);
      const auto state = runner->wait_for(id, 1h);
      if (!state || state->phase != SagaPhase::completed) ::_exit(3);
      say(pipe, {who_, number, {}});
    }
  }
  /// Who acted, in order.
  [[nodiscard]] std::vector<std::int64_t> acts() {
    std::vector<std::int64_t> all;
    const Status looked = store_->transact([&](SqliteTransaction& transaction) -> Status {
      const auto rows = transaction.query("SELECT who FROM acts ORDER BY number", {});
      if (!rows) return rows.error();
      for (const SqlRow& row : *rows) all.push_back(std::get<std::int64_t>(row[0]));
      return Nothing{};
    });
    EXPECT_TRUE(looked);
    return all;
  }

  static constexpr std::chrono::milliseconds kLease{40};

 private:
  Saga table() {
    const auto step = [this](const char* name) {
      SagaStep made;
      made.name = name;
      made.action = [this](const StepCall&) {
        const Status done = store_->transact([this](SqliteTransaction& transaction) -> Status {
          const auto row = transaction.run("INSERT INTO acts (who) VALUES (?1)", {std::int64_t{who_}});
          return row ? Status{Nothing{}} : Status{row.error()};
        });
        return done ? StepAnswer::done() : StepAnswer::retry("the table is away");
      };
      made.compensation = [](const StepCall&) { return StepAnswer::done(); };
      return made;
    };
    return {"work", 1, {step("a"), step("b")}};
  }

  const std::uint32_t who_;
  const RunnerLeaseOptions options_;
  std::unique_ptr<SqliteEventStore> store_;
  std::unique_ptr<DeadLetterStore> letters_;
  std::unique_ptr<RunnerLease> lease_;
};

// Claim:  of two programs with one table of sagas over one file, one acts; killed, the other one takes over when the
//         lease has run out, and not before.
// Method: two processes. The second is refused the lease, and waits; the first goes on, and is killed -9. What was done,
//         and by whom, stands in the file in its order.
TEST(StoreKilled, LeaseGoesToTheNextProgram) {
  const TemporaryFolder folder;
  SharedClock clock;
  WritingChild first([&](int pipe) { Shift(folder, clock, 1).work_for_ever(pipe); });
  first.wait_for(3);
  WritingChild second([&](int pipe) {
    Shift shift(folder, clock, 2);
    if (shift.may_begin()) ::_exit(4);
    say(pipe, {2, 0, {}});
    shift.work_for_ever(pipe);
  });
  second.wait_for(1);
  first.wait_for(30);
  const std::size_t ended = first.kill().size();
  ASSERT_GE(ended, 30U);

  Shift looks(folder, clock, 3);
  clock.advance(Shift::kLease - 1ns);
  EXPECT_FALSE(looks.may_begin());
  clock.advance(1ns);
  second.wait_for(6);
  ASSERT_GE(second.kill().size(), 6U);

  const std::vector<std::int64_t> acts = looks.acts();
  EXPECT_TRUE(std::is_sorted(acts.begin(), acts.end())) << "both acted at a time";
  const auto of_first = static_cast<std::size_t>(std::count(acts.begin(), acts.end(), 1));
  EXPECT_GE(of_first, 2 * ended);
  EXPECT_LE(of_first, 2 * ended + 2) << "one more had begun";
}

}  // namespace
}  // namespace headrace::test
