// Callers that share a commit, and what one's failure does to the others. By the writer itself, since only there it
// is known who shares with whom.
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "headrace/sqlite/transaction.hpp"
#include "sqlite/src/writer.hpp"
#include "stored_events.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {
namespace {

using sqlite::WriteJob;
using sqlite::WriteSession;

class SqliteGroup : public testing::Test {
 protected:
  using Change = std::function<Status(WriteSession&)>;

  struct Job {
    Change change;
    WriteJob::Undo undo;
  };
  static Job append(AppendRequest request) {
    return {[request = std::move(request)](WriteSession& session) -> Status {
              const auto receipt = session.append(request);
              return receipt ? Status{Nothing{}} : Status{receipt.error()};
            },
            WriteJob::Undo::with_group};
  }
  static Job append(const std::string& body) {
    return append(AppendRequest::to("s", ExpectedVersion::any(), {event_of("t", body)}));
  }
  static Job transact(std::function<Status(SqliteTransaction&)> change) {
    return {[change = std::move(change)](WriteSession& session) {
              SqliteTransaction transaction(session);
              return change(transaction);
            },
            WriteJob::Undo::alone};
  }

  /// What each is answered. They come while somebody else writes, so that they are one group.
  std::vector<Status> run_together(const std::vector<Job>& jobs) {
    std::vector<std::promise<Status>> answers(jobs.size());
    EXPECT_TRUE(writer_.run(
        [&](WriteSession&) -> Status {
          for (std::size_t at = 0; at < jobs.size(); ++at) {
            writer_.submit({jobs[at].change,
                            [&answer = answers[at]](const Status& status) { answer.set_value(status); },
                            jobs[at].undo});
          }
          return Nothing{};
        },
        WriteJob::Undo::with_group));
    std::vector<Status> statuses;
    for (auto& answer : answers) statuses.push_back(answer.get_future().get());
    return statuses;
  }
  std::int64_t number(const std::string& sql) {
    std::int64_t is = -1;
    EXPECT_TRUE(writer_.run(
        [&](WriteSession& session) -> Status {
          const auto found = session.connection().number(sql);
          if (!found) return found.error();
          is = *found;
          return Nothing{};
        },
        WriteJob::Undo::with_group));
    return is;
  }

  TemporaryFolder folder_;
  const SqliteOptions options_{.file = folder_ / "events.db", .durability = SqliteDurability::memory};
  sqlite::Writer writer_{WriteSession::open(options_).value(), options_, [](EventPosition) {}};
};

Status run_all(SqliteTransaction& transaction, const std::vector<std::string>& statements) {
  Status last = Nothing{};
  for (const std::string& sql : statements) {
    const auto done = transaction.run(sql);
    last = done ? Status{Nothing{}} : Status{done.error()};
  }
  return last;
}

// Claim:  a statement that ends the transaction by its failure fails the group, as a full disk does: nothing of it is
//         stored, also nothing that the same caller does behind it; the neighbours are told that trying again helps.
// Method: SQLite's three ways to roll back, each between two appends; then the same neighbours alone.
TEST_F(SqliteGroup, AStatementThatRollsBackLosesNothingThatWasAcknowledged) {
  ASSERT_TRUE(run_together({transact([](SqliteTransaction& transaction) {
                return run_all(
                    transaction,
                    {"CREATE TABLE plain (id INTEGER PRIMARY KEY)", "INSERT INTO plain VALUES (1)",
                     "CREATE TABLE strict (id INTEGER UNIQUE ON CONFLICT ROLLBACK)",
                     "INSERT INTO strict VALUES (1)",
                     "CREATE TRIGGER guard BEFORE DELETE ON plain BEGIN SELECT RAISE(ROLLBACK, 'no'); END"});
              })}).at(0));
  for (const std::string sql :
       {"INSERT OR ROLLBACK INTO plain VALUES (1)", "INSERT INTO strict VALUES (1)", "DELETE FROM plain"}) {
    SCOPED_TRACE(sql);
    bool goes_on = false;
    const auto answers = run_together({append("before"), transact([&](SqliteTransaction& transaction) {
                                         const auto failed = transaction.run(sql);
                                         goes_on = transaction.run("INSERT INTO plain VALUES (2)").has_value();
                                         return failed ? Status{Nothing{}} : Status{failed.error()};
                                       }),
                                       append("behind")});
    EXPECT_FALSE(goes_on);
    ASSERT_FALSE(answers[1]);
    EXPECT_EQ(answers[1].error().retry, Error::Retry::no);
    for (const std::size_t neighbour : {0U, 2U}) {
      ASSERT_FALSE(answers[neighbour]);
      EXPECT_EQ(answers[neighbour].error().retry, Error::Retry::maybe) << answers[neighbour].error().message();
    }
    EXPECT_EQ(number("SELECT count(*) FROM events"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM plain"), 1);
  }
  for (const Status& answer : run_together({append("before"), append("behind")})) EXPECT_TRUE(answer);
  EXPECT_EQ(number("SELECT count(*) FROM events"), 2);
  EXPECT_EQ(number("SELECT max(stream_version) FROM events"), 2);
}

// Claim:  a condition that SQLite cannot take is the error of its caller only.
// Method: past check_append, which refuses so many items before they come here.
TEST_F(SqliteGroup, AConditionThatCannotBeAskedFailsItsCallerOnly) {
  AppendRequest large = AppendRequest::to("large", ExpectedVersion::any(), {event_of("t", "x")});
  large.conditions.emplace_back();
  for (int item = 0; item < 501; ++item) large.conditions[0].unless.any_of.push_back({{}, {std::to_string(item)}});
  ASSERT_TRUE(run_together({append("first")}).at(0));
  const auto answers = run_together({append("before"), append(large), append("behind")});
  EXPECT_TRUE(answers[0]);
  EXPECT_FALSE(answers[1]);
  EXPECT_TRUE(answers[2]);
  EXPECT_EQ(number("SELECT count(*) FROM events"), 3);
}

}  // namespace
}  // namespace headrace::test
