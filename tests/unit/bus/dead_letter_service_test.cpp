#include "headrace/delivery/dead_letter_service.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <mutex>

#include "events.hpp"
#include "gate.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"

namespace headrace {
namespace {

using namespace std::chrono_literals;
using test::Gate;
using test::Tick;
using test::yield_until;
using AnswerState = DeadLetterAnswer::State;

/// Requests without a store; every call fails while `down`.
class HandRequests final : public DeadLetterRequests {
 public:
  Result<DeadLetterRequestId> ask(const DeadLetterRequest& request, EventTime, EventTime) override {
    const std::scoped_lock lock(mutex_);
    asked_.push_back({++last_, request});
    return last_;
  }
  Result<std::optional<DeadLetterAnswer>> look(DeadLetterRequestId id) override {
    const std::scoped_lock lock(mutex_);
    return std::optional(answers_[id]);
  }
  Result<bool> withdraw(DeadLetterRequestId) override { return false; }
  Result<std::optional<Taken>> take(std::string_view by, EventTime) override {
    const std::scoped_lock lock(mutex_);
    if (down) return Error{"down", {}, Error::Retry::maybe};
    if (asked_.empty()) return std::optional<Taken>{};
    Taken taken = asked_.front();
    asked_.pop_front();
    answers_[taken.id].by = by;
    return std::optional(taken);
  }
  Status report(DeadLetterRequestId id, const DeadLetterAnswer& answer, EventTime) override {
    const std::scoped_lock lock(mutex_);
    if (down) return Error{"down", {}, Error::Retry::maybe};
    const std::string by = answers_[id].by;
    answers_[id] = answer;
    answers_[id].by = by;
    return Nothing{};
  }
  DeadLetterRequestId ask_for(DeadLetterFilter filter) { return *ask({.filter = std::move(filter)}, {}, {}); }
  DeadLetterAnswer answer(DeadLetterRequestId id) { return **look(id); }
  DeadLetterAnswer wait_for(DeadLetterRequestId id) {
    yield_until([&] { return answer(id).state == AnswerState::finished; });
    return answer(id);
  }
  std::atomic<bool> down{false};

 private:
  std::mutex mutex_;
  std::deque<Taken> asked_;
  std::map<DeadLetterRequestId, DeadLetterAnswer> answers_;
  DeadLetterRequestId last_ = 0;
};

/// A bus with two letters.
class ServedBus : public testing::Test {
 protected:
  ServedBus() {
    bus_.start();
    for (const std::uint64_t value : {1U, 2U}) EXPECT_TRUE(bus_.publish(Tick{.key = value, .value = value}));
    yield_until([&] { return letters_->counts()->stored == 2; });
    fails_ = false;
  }
  std::shared_ptr<MemoryDeadLetterStore> letters_ = std::make_shared<MemoryDeadLetterStore>();
  std::atomic<bool> fails_{true};
  std::atomic<int> handled_{0};
  Gate gate_;
  std::atomic<bool> holds_{false};
  Bus bus_{{.workers = 1}, {.dead_letters = letters_}};
  Subscription subscription_ = bus_.subscribe<Tick>({.name = "ticks"}, [this](const Tick&) {
    if (fails_) return dead_letter("no");
    if (holds_) gate_.pass();
    ++handled_;
    return done();
  });
  HandRequests requests_;
};

// Claim:  what is asked is done, and whoever asked is told, by whom too; while the store is down nothing is lost.
// Method: a request for one letter, by a number of the asker's own; the store goes away before the other.
TEST_F(ServedBus, DoesWhatIsAsked) {
  const DeadLetterService service(
      bus_.dead_letters(), requests_,
      {.name = "ticker", .look_every = 1ms, .letter_id = [](DeadLetterId id) { return id - 100; }});
  const DeadLetterAnswer one = requests_.wait_for(requests_.ask_for({.id = 102}));
  EXPECT_EQ(one.handled, 1U);
  EXPECT_EQ(one.error, "");
  EXPECT_EQ(one.by.find("ticker, process "), 0U);
  EXPECT_EQ(letters_->list({}, 9)->at(0).id, 1U);
  requests_.down = true;
  const DeadLetterRequestId other = requests_.ask_for({});
  requests_.down = false;
  EXPECT_EQ(requests_.wait_for(other).handled, 1U);
  EXPECT_EQ(handled_, 2);
}

// Claim:  a service that goes tells whoever asked, and takes no further letter.
// Method: it goes while the first of two letters is with its handler.
TEST_F(ServedBus, GoingTellsWhoeverAsked) {
  holds_ = true;
  DeadLetterRequestId id = 0;
  {
    const DeadLetterService service(bus_.dead_letters(), requests_, {.look_every = 1ms});
    id = requests_.ask_for({});
    gate_.await_arrivals();
    yield_until([&] { return requests_.answer(id).state == AnswerState::running; });
  }
  const DeadLetterAnswer answer = requests_.answer(id);
  EXPECT_EQ(answer.state, AnswerState::finished);
  EXPECT_NE(answer.error.find("the program ends"), std::string::npos);
  gate_.open();
  EXPECT_TRUE(bus_.stop(1h).drained);
  EXPECT_EQ(handled_, 1);
  EXPECT_EQ(letters_->counts()->stored, 1U);
}

}  // namespace
}  // namespace headrace
