#include <thread>

#include "stores.hpp"

namespace headrace::test {
namespace {

class EventStoreConditions : public EventStoreConformance {
 protected:
  AppendReceipt append_unless(EventQuery query, EventPosition after) {
    AppendRequest request = AppendRequest::to("decisions", ExpectedVersion::any(), {event_of("seat.taken", "x")});
    request.conditions.push_back({std::move(query), after});
    return append(request);
  }
  AppendOutcome outcome_unless(EventQuery query, EventPosition after) {
    return append_unless(std::move(query), after).outcome;
  }
};
HEADRACE_EVERY_STORE(EventStoreConditions);

TopicFilter topics(std::string_view pattern) { return topic_filter(pattern).value(); }

// Claim:  a condition fails on an event behind its position that carries all the tags, in any stream, and on no
//         other.
// Method: tags alone, both, one too many; positions before, at and behind the event.
TEST_P(EventStoreConditions, FailOnTagsBehindThePosition) {
  append("a", ExpectedVersion::any(), {event_of("seat.taken", "1", {"show:1", "seat:7"})});
  append("b", ExpectedVersion::any(), {event_of("seat.taken", "2", {"show:2"})});
  const auto seat = read_all(*store_)[0].position;
  const auto failed = append_unless(EventQuery::tagged({"seat:7"}), 0);
  EXPECT_EQ(failed.outcome, AppendOutcome::condition_failed);
  EXPECT_EQ(failed.last, seat);
  EXPECT_EQ(outcome_unless(EventQuery::tagged({"seat:7", "show:1"}), seat - 1), AppendOutcome::condition_failed);
  EXPECT_EQ(read_all(*store_).size(), 2U);

  EXPECT_EQ(outcome_unless(EventQuery::tagged({"seat:7"}), seat), AppendOutcome::appended);
  EXPECT_EQ(outcome_unless(EventQuery::tagged({"seat:7", "show:2"}), 0), AppendOutcome::appended);
  EXPECT_EQ(outcome_unless(EventQuery::tagged({"seat"}), 0), AppendOutcome::appended);
}

// Claim:  topics and tags of an item count together, items apart, and a query without items means any event.
// Method: an event that meets only one half of an item; the same beside an item that is met.
TEST_P(EventStoreConditions, CombineTopicsAndTags) {
  append("a", ExpectedVersion::any(), {event_of("seat.freed", "1", {"seat:7"})});
  EventQuery query;
  query.any_of.push_back({{topics("seat.taken"), topics("show.#")}, {"seat:7"}});
  EXPECT_EQ(outcome_unless(query, 0), AppendOutcome::appended);
  query.any_of.push_back({{topics("*.freed")}, {}});
  EXPECT_EQ(outcome_unless(query, 0), AppendOutcome::condition_failed);
  const auto last = store_->last_position();
  EXPECT_EQ(outcome_unless(EventQuery::everything(), 0), AppendOutcome::condition_failed);
  EXPECT_EQ(outcome_unless(EventQuery::everything(), *last), AppendOutcome::appended);
}

// Claim:  several conditions must all hold, and the receipt says which did not.
TEST_P(EventStoreConditions, AllMustHold) {
  append("a", ExpectedVersion::any(), {event_of("t", "1", {"x"})});
  AppendRequest request = AppendRequest::to("b", ExpectedVersion::any(), {event_of("t", "2")});
  request.conditions = {{EventQuery::tagged({"y"}), 0}, {EventQuery::tagged({"x"}), 0}};
  const auto receipt = append(request);
  EXPECT_EQ(receipt.outcome, AppendOutcome::condition_failed);
  EXPECT_EQ(receipt.culprit, 1U);
}

// Claim:  as many items as the limit says are taken and looked at, one more is refused with an error that says so; so
//         are more tags than an event can have.
// Method: only the last of the items matches.
TEST_P(EventStoreConditions, HaveALimitOfItems) {
  append("a", ExpectedVersion::any(), {event_of("t", "1", {"x", "last"})});
  EventQuery query;
  for (std::size_t item = 1; item < kConditionItemsMax; ++item) {
    query.any_of.push_back({{}, {"item:" + std::to_string(item), "x"}});
  }
  EXPECT_EQ(outcome_unless(query, 0), AppendOutcome::appended);
  query.any_of.push_back({{}, {"last", "x"}});
  EXPECT_EQ(outcome_unless(query, 0), AppendOutcome::condition_failed);
  AppendRequest request = AppendRequest::to("decisions", ExpectedVersion::any(), {event_of("t", "2")});
  query.any_of.push_back({{}, {"y"}});
  request.conditions = {{query, 0}};
  const auto refused = store_->append(request);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("257 items, at most 256"), std::string::npos)
      << refused.error().message();
  request.conditions = {{EventQuery::tagged(std::vector<std::string>(kTagsMax + 1, "x")), 0}};
  EXPECT_FALSE(store_->append(request));
  EXPECT_EQ(read_all(*store_).size(), 2U);
}

// Claim:  a decision that was true when it was made is not stored when it no longer is: one seat, one taker.
// Method: four threads read up to a position and take a seat unless it was taken behind it, for 20 seats.
TEST_P(EventStoreConditions, OneOfConcurrentDecisionsWins) {
  constexpr int kSeats = 20;
  std::vector<std::thread> takers;
  for (int taker = 0; taker < 4; ++taker) {
    takers.emplace_back([this, taker] {
      for (int seat = 0; seat < kSeats; ++seat) {
        const std::string tag = "seat:" + std::to_string(seat);
        AppendRequest request = AppendRequest::to("taker-" + std::to_string(taker), ExpectedVersion::any(),
                                                  {event_of("seat.taken", tag, {tag})});
        request.conditions.push_back({EventQuery::tagged({tag}), 0});
        static_cast<void>(append(request).outcome);
      }
    });
  }
  for (auto& taker : takers) taker.join();
  for (int seat = 0; seat < kSeats; ++seat) {
    GlobalRead read;
    read.query = EventQuery::tagged({"seat:" + std::to_string(seat)});
    EXPECT_EQ(read_all(*store_, read).size(), 1U) << seat;
  }
}

}  // namespace
}  // namespace headrace::test
