#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "gate.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/delivery/dead_letter_service.hpp"
#include "headrace/event/event_fields.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "line_codec.hpp"
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
  EXPECT_EQ(Json::parse(dlq({"show", "2", "--json"}).out), all[1]);
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

struct Charge {
  std::uint64_t customer = 0;
  std::int64_t cents = 0;
};
HEADRACE_EVENT(Charge, "shop.charge", key(customer), customer, cents)
struct Refund {
  std::uint64_t customer = 0;
  std::int64_t cents = 0;
};
HEADRACE_EVENT(Refund, "shop.refund", key(customer), customer, cents)

/// A program whose bus has the file open, and whose two subscriptions have one name. They give up what comes while
/// `down`, and Refunds of 13 cents always.
class RunningShop {
 public:
  explicit RunningShop(const std::string& file)
      : store_(SqliteEventStore::open({.file = file}).value()),
        letters_(store_->dead_letters().value()),
        types_(std::make_shared<EventTypes>(std::make_shared<test::LineCodec>())) {
    types_->add<Charge>();
    types_->add<Refund>();
    bus_.emplace(DispatcherOptions{.workers = 1},
                 DeliveryDefaults{.dead_letters = letters_, .event_types = types_});
    const SubscribeOptions billing{.name = "billing", .park_key = true};
    charges_ = bus_->subscribe<Charge>(billing, [this](const Charge& charge) {
      if (down) return dead_letter("down");
      handled.push_back(charge.cents);
      return done();
    });
    refunds_ = bus_->subscribe<Refund>(billing, [this](const Refund& refund) {
      if (down || refund.cents == 13) return dead_letter("down");
      handled.push_back(-refund.cents);
      return done();
    });
    bus_->start();
    service_.emplace(bus_->dead_letters(), store_->dead_letter_requests(),
                     DeadLetterServiceOptions{.name = "shop", .look_every = std::chrono::milliseconds(5)});
  }
  template <class Event>
  void publish(Event event) {
    ASSERT_TRUE(bus_->publish(event, {.id = EventId::make()}));
  }
  [[nodiscard]] std::size_t letters() const { return letters_->counts()->stored; }
  /// Until so many letters are there.
  void wait_for_letters(std::size_t count) const {
    test::yield_until([&] { return letters() == count; });
  }
  void stop_answering() { service_.reset(); }

  std::atomic<bool> down{true};
  std::vector<std::int64_t> handled;  ///< by the worker, while the test waits for the program

 private:
  std::unique_ptr<SqliteEventStore> store_;
  std::shared_ptr<DeadLetterStore> letters_;
  std::shared_ptr<EventTypes> types_;
  std::optional<Bus> bus_;
  std::optional<Subscription> charges_, refunds_;
  std::optional<DeadLetterService> service_;
};

// Claim:  letters go back to the running bus through the file, each to the subscription of its type; the program says
//         what became of them.
// Method: charges and refunds of several customers; all of them, then one by number that fails again.
TEST(DlqRedrive, RunningBusHandlesLettersAgain) {
  const Folder folder;
  const std::string file = folder.path("shop.db");
  RunningShop shop(file);
  shop.publish(Charge{1, 100});
  shop.publish(Refund{2, 7});
  shop.publish(Refund{3, 13});
  shop.wait_for_letters(3);
  shop.down = false;
  const Outcome all = run_program({"dlq", "redrive", file, "--all", "--json"});
  const Json answer = Json::parse(all.out);
  EXPECT_EQ(answer["state"], "finished");
  EXPECT_EQ(answer["handled"], 2);
  EXPECT_EQ(answer["returned"], 1);
  EXPECT_EQ(answer["error"], "");
  EXPECT_EQ(answer["by"].get<std::string>().find("shop, process "), 0U);
  EXPECT_EQ(all.exit_code, 1);  // one stands where it stood
  EXPECT_EQ(shop.handled, (std::vector<std::int64_t>{100, -7}));
  EXPECT_EQ(shop.letters(), 1U);
  const Outcome one = run_program({"dlq", "redrive", file, "3"});
  EXPECT_NE(one.out.find("0 handled, 1 failed again and stand where they stood, 0 skipped"), std::string::npos)
      << one.out << one.err;
  EXPECT_EQ(run_program({"dlq", "redrive", file, "--topic", "shop.charge"}).exit_code, 0);  // there are none
}

// Claim:  a parked key is released in order, and flows again.
// Method: three charges of one customer, of which two came behind the first.
TEST(DlqRedrive, ParkedKeyIsReleased) {
  const Folder folder;
  const std::string file = folder.path("shop.db");
  RunningShop shop(file);
  for (const std::int64_t cents : {1, 2, 3}) shop.publish(Charge{5, cents});
  shop.wait_for_letters(3);
  shop.down = false;
  const Outcome out = run_program({"dlq", "release", file, "--subscription", "billing", "--key", "5", "--json"});
  EXPECT_EQ(out.exit_code, 0) << out.out << out.err;
  Json answer = Json::parse(out.out);
  EXPECT_EQ(answer["by"].get<std::string>().find("shop, process "), 0U);
  answer.erase("by");
  EXPECT_EQ(answer, Json::parse(R"({"request":1,"state":"finished","handled":3,"returned":0,"skipped":0,
                                    "why_skipped":"","error":""})"));
  EXPECT_EQ(shop.handled, (std::vector<std::int64_t>{1, 2, 3}));
}

// Claim:  when no bus answers the request is withdrawn, the program says so, and nothing is redriven later.
// Method: a program that no longer answers, and one that begins to when it is too late.
TEST(DlqRedrive, SaysThatNoBusAnswers) {
  const Folder folder;
  const std::string file = folder.path("shop.db");
  {
    RunningShop shop(file);
    shop.publish(Charge{1, 100});
    shop.wait_for_letters(1);
    shop.stop_answering();
    const Outcome out = run_program({"dlq", "redrive", file, "--all", "--timeout", "0.1"});
    EXPECT_EQ(out.exit_code, 1);
    EXPECT_NE(out.err.find("no bus answered within 0.1 s"), std::string::npos) << out.err;
    const Outcome again = run_program({"dlq", "redrive", file, "1", "--timeout", "0.1", "--json"});
    EXPECT_EQ(Json::parse(again.out)["state"], "withdrawn");
  }
  RunningShop shop(file);
  shop.down = false;
  EXPECT_EQ(Json::parse(run_program({"dlq", "redrive", file, "99", "--json"}).out)["request"], 3);
  EXPECT_EQ(shop.letters(), 1U);
  EXPECT_EQ(run_program({"dlq", "redrive", file}).exit_code, 2);
}

}  // namespace
}  // namespace headrace::program
