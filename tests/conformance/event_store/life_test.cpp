#include <chrono>
#include <thread>

#include "stores.hpp"

namespace headrace::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class EventStoreLife : public EventStoreConformance {};
HEADRACE_EVERY_STORE(EventStoreLife);

// Claim:  a truncated stream has lost its old events and nothing else: versions count on, others stay.
TEST_P(EventStoreLife, TruncationOfAStreamLeavesTheRest) {
  for (int i = 1; i <= 5; ++i) {
    append("a", ExpectedVersion::any(), {event_of("t", "a" + std::to_string(i), {"tag"})});
    append("b", ExpectedVersion::any(), {event_of("t", "b" + std::to_string(i))});
  }
  ASSERT_TRUE(store_->truncate_stream("a", 4));
  ASSERT_TRUE(store_->truncate_stream("nobody's", 4));
  EXPECT_EQ(bodies(read_stream(*store_, {.stream = "a"})), (Bodies{"a4", "a5"}));
  EXPECT_EQ(read_stream(*store_, {.stream = "b"}).size(), 5U);
  EXPECT_EQ(read_all(*store_).size(), 7U);
  GlobalRead tagged;
  tagged.query = EventQuery::tagged({"tag"});
  EXPECT_EQ(bodies(read_all(*store_, tagged)), (Bodies{"a4", "a5"}));
  EXPECT_EQ(store_->stream("a")->first, 4U);
  EXPECT_EQ(store_->stream("a")->version, 5U);
  EXPECT_EQ(append("a", ExpectedVersion::exact(5), {event_of("t", "a6")}).streams[0].last, 6U);
}

// Claim:  versions and positions count on after everything was removed, in a store opened anew too.
TEST_P(EventStoreLife, NumbersAreNotGivenOutAgain) {
  append("a", ExpectedVersion::any(), {event_of("t", "1"), event_of("t", "2")});
  const auto last = append("b", ExpectedVersion::any(), {event_of("t", "3")}).last;
  ASSERT_TRUE(store_->truncate_all(last + 1));
  EXPECT_TRUE(read_all(*store_).empty());
  if (store_->capabilities().durable) reopen();
  EXPECT_EQ(*store_->last_position(), last);
  EXPECT_EQ(store_->stream("a")->version, 2U);
  EXPECT_EQ(store_->stream("a")->first, 3U);
  const auto receipt = append("a", ExpectedVersion::exact(2), {event_of("t", "4")});
  EXPECT_EQ(receipt.streams[0].first, 3U);
  EXPECT_GT(receipt.last, last);
  EXPECT_EQ(*store_->last_position(), receipt.last);
}

// Claim:  truncation by position takes the old events of all streams.
TEST_P(EventStoreLife, TruncationByPositionTakesEveryStream) {
  for (int i = 0; i < 6; ++i) {
    append(i % 2 ? "a" : "b", ExpectedVersion::any(), {event_of("t", std::to_string(i))});
  }
  ASSERT_TRUE(store_->truncate_all(read_all(*store_)[3].position));
  EXPECT_EQ(bodies(read_all(*store_)), (Bodies{"3", "4", "5"}));
  EXPECT_EQ(store_->stream("a")->first, 2U);
  EXPECT_EQ(store_->stream("b")->first, 3U);
}

// Claim:  what is truncated is forgotten by conditions and by ids too.
TEST_P(EventStoreLife, TruncationForgetsIdsAndTags) {
  const EncodedEvent event = event_of("t", "1", {"tag"});
  append("a", ExpectedVersion::any(), {event});
  ASSERT_TRUE(store_->truncate_stream("a", 2));
  AppendRequest again = AppendRequest::to("a", ExpectedVersion::exact(1), {event});
  again.conditions.push_back({EventQuery::tagged({"tag"}), 0});
  EXPECT_EQ(append(again).outcome, AppendOutcome::appended);
}

// Claim:  what a durable store acknowledged is there when it is opened again.
TEST_P(EventStoreLife, AcknowledgedEventsAreThereAfterReopening) {
  if (!store_->capabilities().durable) GTEST_SKIP() << "this store forgets with the process";
  append("a", ExpectedVersion::any(), {event_of("t", "1", {"x"}), event_of("t", "2")});
  reopen();
  EXPECT_EQ(bodies(read_stream(*store_, {.stream = "a"})), (Bodies{"1", "2"}));
  EXPECT_EQ(append("a", ExpectedVersion::exact(2), {event_of("t", "3")}).outcome, AppendOutcome::appended);
  EXPECT_EQ(bodies(read_all(*store_)), (Bodies{"1", "2", "3"}));
}

// Claim:  waiting ends with an event behind the position, at once when there is one, and when it is told to stop.
// Method: an hour's time each, so that only the event or the stop can end the wait.
TEST_P(EventStoreLife, WaitingEndsWithAnEvent) {
  append("a", ExpectedVersion::any(), {event_of("t", "1")});
  const auto last = *store_->last_position();
  EXPECT_EQ(*store_->wait_beyond(0, hours{1}, {}), last);
  EXPECT_EQ(*store_->wait_beyond(last, milliseconds{0}, {}), last);

  std::thread writer([&] { append("a", ExpectedVersion::any(), {event_of("t", "2")}); });
  EXPECT_GT(*store_->wait_beyond(last, hours{1}, {}), last);
  writer.join();

  std::stop_source stop;
  std::thread stopper([&] { stop.request_stop(); });
  EXPECT_TRUE(store_->wait_beyond(kToTheEnd - 1, hours{1}, stop.get_token()));
  stopper.join();
}

// Claim:  reading, then waiting, then reading on sees every event once and in order while others append.
// Method: three writers of 60 events each, one reader that started before them.
TEST_P(EventStoreLife, CatchingUpHasNoSeam) {
  constexpr std::size_t kEvents = 180;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([this, writer] {
      for (int i = 0; i < 60; ++i) {
        append("w" + std::to_string(writer), ExpectedVersion::any(), {event_of("t", std::to_string(i))});
      }
    });
  }
  std::vector<StoredEvent> seen;
  GlobalRead read;
  while (seen.size() < kEvents) {
    const auto end = store_->read_all(read, [&](StoredEvent& event) {
      seen.push_back(event);
      return Visit::more;
    });
    if (!end) break;
    read.after = end->through;
    if (seen.size() < kEvents && !store_->wait_beyond(read.after, hours{1}, {})) break;
  }
  for (auto& writer : writers) writer.join();
  const auto all = read_all(*store_);
  ASSERT_EQ(seen.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(seen[i].position, all[i].position);
}

}  // namespace
}  // namespace headrace::test
