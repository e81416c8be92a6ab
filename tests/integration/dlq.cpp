#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "headrace/sqlite/event_store.hpp"
#include "program.hpp"

namespace headrace::program {
namespace {

using Json = nlohmann::json;

/// A file with three letters: two of billing, one of stats. The store stays open while the program looks.
class Dlq : public ::testing::Test {
 protected:
  Dlq() : store_(SqliteEventStore::open({.file = file_}).value()), letters_(store_->dead_letters().value()) {
    add("billing", "7", "card refused");
    add("billing", "8", "timeout");
    add("stats", "7", "no such column");
  }
  void add(std::string subscription, std::string key, std::string reason) {
    DeadLetter letter;
    letter.envelope.id = EventId::make();
    letter.envelope.topic = "orders.placed";
    letter.envelope.key = std::move(key);
    letter.body = EncodedBody{"application/json", {std::byte{'7'}}};
    letter.subscription = std::move(subscription);
    letter.failure = FailureClass::threw;
    letter.reason = reason;
    letter.attempts = {
        {1, EventTime{std::chrono::seconds{1'700'000'000}}, FailureClass::threw, std::move(reason)}};
    letter.attempts_made = 1;
    ASSERT_TRUE(letters_->add({&letter, 1}));
  }
  Outcome dlq(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "dlq");
    arguments.insert(arguments.begin() + 2, file_);
    return run_program(arguments);
  }
  static std::vector<Json> lines_of(const std::string& text) {
    std::vector<Json> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
    return lines;
  }

  Folder folder_;
  std::string file_ = folder_.path("events.db");
  std::unique_ptr<SqliteEventStore> store_;
  std::unique_ptr<DeadLetterStore> letters_;
};

// Claim:  letters are listed by what is asked for, and shown with attempts and a readable body.
TEST_F(Dlq, LettersAreListedAndShown) {
  const auto all = lines_of(dlq({"list", "--json"}).out);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0]["reason"], "card refused");
  EXPECT_EQ(all[0]["attempts"][0]["at"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(all[0]["event"]["body"], 7);
  EXPECT_EQ(lines_of(dlq({"list", "--json", "--subscription", "billing", "--key", "8"}).out).size(), 1U);
  EXPECT_NE(dlq({"list"}).out.find("no such column"), std::string::npos);
  const auto shown = dlq({"show", "2"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_NE(shown.out.find("gave up       threw: timeout"), std::string::npos) << shown.out;
  EXPECT_EQ(dlq({"show", "99"}).exit_code, 1);
}

// Claim:  letters are discarded by choice only, under the feet of the program that has the file open.
TEST_F(Dlq, LettersAreDiscardedByChoice) {
  EXPECT_EQ(dlq({"discard"}).exit_code, 2);
  EXPECT_EQ(Json::parse(dlq({"discard", "--json", "--subscription", "stats"}).out)["discarded"], 1);
  EXPECT_EQ(letters_->list({}).value().size(), 2U);
  EXPECT_EQ(dlq({"discard", "1"}).exit_code, 0);
  EXPECT_EQ(Json::parse(dlq({"discard", "--json", "--all"}).out)["discarded"], 1);
  const auto counts = letters_->counts().value();
  EXPECT_EQ(counts.discarded, 3U);
  EXPECT_EQ(counts.added, counts.stored + counts.discarded);
}

}  // namespace
}  // namespace headrace::program
