#include "headrace/port/dead_letter_requests.hpp"

#include <gtest/gtest.h>

#include "in_a_file.hpp"

namespace headrace::test {
namespace {

using State = DeadLetterAnswer::State;

EventTime second(std::int64_t seconds) { return EventTime{std::chrono::seconds{seconds}}; }

// Claim:  a request reaches one taker whole, and whoever asked sees what becomes of it, also from another store on
//         the same file.
// Method: every field set; two takes; a report; the file opened twice.
TEST(SqliteDeadLetterRequests, RequestIsTakenOnceAndAnswered) {
  StoreInAFile file;
  DeadLetterRequests& asks = file.store().dead_letter_requests();
  DeadLetterRequest request;
  request.action = DeadLetterRequest::Action::release;
  request.filter.id = 7;
  request.filter.subscription = "billing";
  request.filter.topic = "shop.charge";
  request.filter.key = "";
  request.letters_max = 3;
  request.letters_per_second = 0.5;
  const auto id = asks.ask(request, second(100), second(200));
  ASSERT_TRUE(id);
  EXPECT_EQ((*asks.look(*id))->state, State::asked);

  const auto taken = asks.take("somebody", second(110)).value();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->id, *id);
  EXPECT_EQ(taken->request.action, request.action);
  EXPECT_EQ(taken->request.filter.id, request.filter.id);
  EXPECT_EQ(taken->request.filter.subscription, request.filter.subscription);
  EXPECT_EQ(taken->request.filter.topic, request.filter.topic);
  EXPECT_EQ(taken->request.filter.key, request.filter.key);
  EXPECT_EQ(taken->request.letters_max, 3U);
  EXPECT_EQ(taken->request.letters_per_second, 0.5);
  EXPECT_FALSE(asks.take("another", second(110)).value());
  EXPECT_FALSE(asks.withdraw(*id).value());

  DeadLetterAnswer answer{
      .state = State::finished, .by = {}, .heard_at = {}, .handled = 1, .returned = 2, .skipped = 3};
  answer.why_skipped = "why";
  answer.error = "error";
  ASSERT_TRUE(asks.report(*id, answer, second(120)));
  file.reopen();
  const auto seen = file.store().dead_letter_requests().look(*id).value();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, State::finished);
  EXPECT_EQ(seen->by, "somebody");
  EXPECT_EQ(seen->heard_at, second(120));
  EXPECT_EQ(seen->handled + seen->returned * 10 + seen->skipped * 100, 321U);
  EXPECT_EQ(seen->why_skipped + seen->error, "whyerror");
}

// Claim:  requests are taken in the order asked; one that was withdrawn or is too old is not; a request without a
//         filter means all letters, and has no limit.
// Method: four of them.
TEST(SqliteDeadLetterRequests, TakenInOrderUnlessWithdrawnOrTooOld) {
  StoreInAFile file;
  DeadLetterRequests& asks = file.store().dead_letter_requests();
  EXPECT_FALSE(asks.take("x", second(100)).value());
  const auto ask = [&](std::int64_t expires) { return asks.ask({}, second(100), second(expires)).value(); };
  const auto old = ask(105);
  const auto withdrawn = ask(200);
  const auto first = ask(200);
  const auto other = ask(200);
  EXPECT_TRUE(asks.withdraw(withdrawn).value());
  EXPECT_EQ((*asks.look(withdrawn))->state, State::withdrawn);
  const auto taken = asks.take("x", second(110)).value();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->id, first);
  EXPECT_FALSE(taken->request.filter.id || taken->request.filter.subscription || taken->request.filter.topic ||
               taken->request.filter.key);
  EXPECT_EQ(taken->request.letters_max, DeadLetterRequest{}.letters_max);
  EXPECT_EQ(asks.take("x", second(110)).value()->id, other);
  EXPECT_FALSE(asks.take("x", second(110)).value());
  EXPECT_EQ((*asks.look(old))->state, State::asked);
  EXPECT_FALSE(*asks.look(99));
}

}  // namespace
}  // namespace headrace::test
