#include "headrace/port/settle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "headrace/port/backoff.hpp"
#include "headrace/port/health.hpp"
#include "headrace/port/settlement_inbox.hpp"

namespace headrace {
namespace {

using std::chrono::milliseconds;

struct Settling : testing::Test {
  std::shared_ptr<SettlementInbox> inbox = std::make_shared<SettlementInbox>();
  Settle issue(std::uint64_t tag) { return {inbox, inbox->issue(tag)}; }
};

// Claim:  a message is answered once: by the first call, or by retry when the right to do so is destroyed.
// Method: answered twice, moved, overwritten, dropped.
TEST_F(Settling, EachMessageIsAnsweredOnce) {
  {
    Settle one = issue(1);
    Settle moved = std::move(one);
    moved(Settlement::done);
    moved(Settlement::reject);
    Settle two = issue(2);
    two = issue(3);
    two(Settlement::reject);
    Settle dropped = issue(4);
  }
  const auto answers = inbox->take();
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(answers[0].tag, 1U);
  EXPECT_EQ(answers[0].settlement, Settlement::done);
  EXPECT_EQ(answers[1].tag, 2U);
  EXPECT_EQ(answers[1].settlement, Settlement::retry);
  EXPECT_EQ(answers[2].settlement, Settlement::reject);
  EXPECT_EQ(answers[3].settlement, Settlement::retry);
  EXPECT_EQ(inbox->outstanding(), 0U);
}

// Claim:  a rejection carries its reason, of a kilobyte at most, cut between two characters; nothing else has one.
// Method: a short one, one of two-byte characters whose limit falls within one, and another settlement.
TEST_F(Settling, RejectionCarriesItsReason) {
  issue(1).reject("no such customer");
  std::string umlauts = "x";
  for (int i = 0; i < 600; ++i) umlauts += "\xc3\xa4";
  issue(2).reject(umlauts);
  issue(3)(Settlement::reject);
  const auto answers = inbox->take();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].settlement, Settlement::reject);
  EXPECT_EQ(answers[0].reason, "no such customer");
  EXPECT_EQ(answers[1].reason, umlauts.substr(0, 1'023));
  EXPECT_EQ(answers[2].reason, "");
  Settle once = issue(4);
  once.reject("first");
  once(Settlement::done);
  EXPECT_EQ(inbox->take().size(), 1U);
  EXPECT_EQ(inbox->outstanding(), 0U);
}

// Claim:  a source whose broker sets nothing aside is told retry for defer; another is told defer.
// Method: both kinds of inbox.
TEST_F(Settling, DeferIsRetryWhereNothingIsDeferred) {
  issue(1)(Settlement::defer);
  EXPECT_EQ(inbox->take()[0].settlement, Settlement::retry);
  const auto defers = std::make_shared<SettlementInbox>(SettlementInbox::Defers::yes);
  Settle(defers, defers->issue(1))(Settlement::defer);
  EXPECT_EQ(defers->take()[0].settlement, Settlement::defer);
}

// Claim:  answers to messages of an earlier connection do nothing.
// Method: one answer before the new connection, one after it; the inbox's owner gone before the last.
TEST_F(Settling, AnswersOfAnEarlierConnectionDoNothing) {
  Settle before = issue(1);
  Settle after = issue(2);
  before(Settlement::done);
  inbox->renew();
  EXPECT_EQ(inbox->outstanding(), 0U);
  Settle fresh = issue(2);
  after(Settlement::done);
  EXPECT_TRUE(inbox->take().empty());
  EXPECT_EQ(inbox->outstanding(), 1U);
  inbox.reset();
  fresh(Settlement::done);
}

// Claim:  who waits for answers is woken by one, and by a nudge.
// Method: another thread.
TEST_F(Settling, WaitersAreWoken) {
  Settle one = issue(1);
  std::thread handler([&] { one(Settlement::done); });
  EXPECT_TRUE(inbox->wait_until_settled(milliseconds::max()));
  handler.join();
  EXPECT_EQ(inbox->take(milliseconds::max()).size(), 1U);
  inbox->nudge();
  EXPECT_TRUE(inbox->take(milliseconds::max()).empty());
}

// Claim:  delays are uniform between nothing and the doubled limit, never over the cap, and begin anew after a
//         reset.
// Method: many seeds; the mean of each step.
TEST(Backoff, JittersFullyUpToTheCap) {
  constexpr int kSeeds = 4000;
  const std::vector<double> limits{100, 200, 400, 800, 1000, 1000};
  std::vector<double> sums(limits.size());
  for (int seed = 0; seed < kSeeds; ++seed) {
    Backoff backoff({milliseconds(100), milliseconds(1000)}, static_cast<std::uint64_t>(seed));
    for (std::size_t step = 0; step < limits.size(); ++step) {
      const auto delay = static_cast<double>(backoff.next().count());
      EXPECT_GE(delay, 0);
      EXPECT_LE(delay, limits[step]);
      sums[step] += delay;
    }
    backoff.reset();
    EXPECT_LE(backoff.next().count(), 100);
  }
  for (std::size_t step = 0; step < limits.size(); ++step) {
    EXPECT_NEAR(sums[step] / kSeeds, limits[step] / 2, limits[step] * 0.03) << step;
  }
}

// Claim:  delays begin anew after an attempt that lasted as long as the longest delay, and not after a shorter one.
// Method: delays grown to the cap, many seeds; the largest that follows.
TEST(Backoff, AnAttemptThatLastsBeginsAnew) {
  std::int64_t after_long = 0;
  std::int64_t after_short = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff grown({milliseconds(10), milliseconds(1000)}, seed);
    for (int i = 0; i < 10; ++i) (void)grown.next();
    grown.lasted(milliseconds(999));
    after_short = std::max(after_short, grown.next().count());
    grown.lasted(milliseconds(1000));
    after_long = std::max(after_long, grown.next().count());
  }
  EXPECT_GT(after_short, 500);
  EXPECT_LE(after_long, 10);
}

// Claim:  a change of health is told once, and connections are counted.
// Method: the states of a connection that breaks and comes back, one of them said twice.
TEST(HealthBoard, TellsChangesOnce) {
  std::string told;
  HealthBoard board([&](const Health& health) { told += std::string(to_string(health.state)) + " "; });
  board.set(AdapterState::connecting);
  board.set(AdapterState::up);
  board.set(AdapterState::up);
  board.set(AdapterState::blocked, "memory alarm");
  board.set(AdapterState::up);
  board.set(AdapterState::connecting, "reset");
  board.set(AdapterState::up);
  EXPECT_EQ(told, "connecting up blocked up connecting up ");
  EXPECT_EQ(board.get().connections, 2U);
}

}  // namespace
}  // namespace headrace
