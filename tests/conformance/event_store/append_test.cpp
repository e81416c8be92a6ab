#include <condition_variable>
#include <mutex>
#include <thread>

#include "stores.hpp"

namespace headrace::test {
namespace {

class EventStoreAppend : public EventStoreConformance {};
HEADRACE_EVERY_STORE(EventStoreAppend);

// Claim:  whatever an event carries comes back, byte for byte.
// Method: an event with every field set, texts that need quoting and a body with every byte; one with none.
TEST_P(EventStoreAppend, EveryFieldComesBack) {
  EncodedEvent full = event_of("orders.placed", {}, {"order:7", "quote\"d \\ \x01\n", "\xc3\xa4"});
  full.envelope.key = "customer 7";
  full.envelope.version = 3;
  full.envelope.time = EventTime{std::chrono::nanoseconds{1'700'000'000'123'456'789}};
  full.envelope.correlation = EventId::make();
  full.envelope.causation = EventId::make();
  full.envelope.headers = {{"trace", "00-ab"}, {"trace", ""}, {"", "[\"]"}};
  for (int byte = 0; byte < 256; ++byte) full.body.push_back(static_cast<std::byte>(byte));
  EncodedEvent bare;
  bare.envelope.id = EventId::make();
  bare.envelope.topic = "t";

  append("s", ExpectedVersion::none(), {full, bare});
  const auto events = read_stream(*store_, {.stream = "s"});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].event, full);
  EXPECT_EQ(events[1].event, bare);
  EXPECT_EQ(events[1].version, 2U);
  EXPECT_EQ(events[1].stream, "s");
  EXPECT_GT(events[1].position, events[0].position);
  EXPECT_NE(events[0].stored_at, EventTime{});
  EXPECT_EQ(read_all(*store_)[0].event, full);
}

// Claim:  an event without an id is given one.
TEST_P(EventStoreAppend, GivesIdsToEventsWithoutOne) {
  EncodedEvent first = event_of("t", "a");
  first.envelope.id = {};
  EncodedEvent second = first;
  append("s", ExpectedVersion::any(), {first, second});
  const auto events = read_stream(*store_, {.stream = "s"});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_TRUE(events[0].event.envelope.id);
  EXPECT_NE(events[0].event.envelope.id, events[1].event.envelope.id);
}

// Claim:  an append happens only at the version that its writer expects, and says what it is otherwise.
// Method: each kind of expectation, on a new stream and on one with two events.
TEST_P(EventStoreAppend, HoldsToTheExpectedVersion) {
  EXPECT_EQ(append("s", ExpectedVersion::exact(1), {event_of("t", "no")}).outcome,
            AppendOutcome::version_conflict);
  const auto first = append("s", ExpectedVersion::none(), {event_of("t", "a"), event_of("t", "b")});
  ASSERT_EQ(first.outcome, AppendOutcome::appended);
  EXPECT_EQ(first.streams[0].first, 1U);
  EXPECT_EQ(first.streams[0].last, 2U);

  const auto again = append("s", ExpectedVersion::none(), {event_of("t", "no")});
  EXPECT_EQ(again.outcome, AppendOutcome::version_conflict);
  EXPECT_EQ(again.streams[0].last, 2U);
  EXPECT_EQ(append("s", ExpectedVersion::exact(1), {event_of("t", "no")}).outcome,
            AppendOutcome::version_conflict);
  EXPECT_EQ(append("s", ExpectedVersion::exact(3), {event_of("t", "no")}).outcome,
            AppendOutcome::version_conflict);
  EXPECT_EQ(append("s", ExpectedVersion::exact(2), {event_of("t", "c")}).outcome, AppendOutcome::appended);
  EXPECT_EQ(append("s", ExpectedVersion::any(), {event_of("t", "d")}).outcome, AppendOutcome::appended);
  EXPECT_EQ(bodies(read_stream(*store_, {.stream = "s"})), (Bodies{"a", "b", "c", "d"}));
}

// Claim:  a request over several streams happens to all of them or to none.
// Method: the last of three streams is in conflict, then none; a stream without events only demands its version.
TEST_P(EventStoreAppend, SeveralStreamsAreOneAppend) {
  append("c", ExpectedVersion::none(), {event_of("t", "c1")});
  AppendRequest request;
  request.streams = {{"a", ExpectedVersion::none(), {event_of("t", "a1"), event_of("t", "a2")}},
                     {"b", ExpectedVersion::any(), {event_of("t", "b1")}},
                     {"c", ExpectedVersion::none(), {}}};
  const auto refused = append(request);
  EXPECT_EQ(refused.outcome, AppendOutcome::version_conflict);
  EXPECT_EQ(refused.culprit, 2U);
  EXPECT_EQ(refused.streams[2].last, 1U);
  EXPECT_EQ(bodies(read_all(*store_)), (Bodies{"c1"}));

  request.streams[2].expected = ExpectedVersion::exact(1);
  const auto receipt = append(request);
  ASSERT_EQ(receipt.outcome, AppendOutcome::appended);
  EXPECT_EQ(receipt.streams[0].last, 2U);
  EXPECT_EQ(receipt.streams[1].last, 1U);
  EXPECT_EQ(receipt.streams[2].first, 0U);
  EXPECT_EQ(receipt.streams[2].last, 1U);
  const auto all = read_all(*store_);
  EXPECT_EQ(bodies(all), (Bodies{"c1", "a1", "a2", "b1"}));
  EXPECT_EQ(receipt.last, all.back().position);
}

// Claim:  appending the same events again stores nothing and answers as the first time, whatever version is
//         expected.
// Method: repeat a request of two streams, also after others have been appended and after opening anew.
TEST_P(EventStoreAppend, IsIdempotentByEventId) {
  AppendRequest request;
  request.streams = {{"a", ExpectedVersion::none(), {event_of("t", "a1"), event_of("t", "a2")}},
                     {"b", ExpectedVersion::none(), {event_of("t", "b1")}}};
  const auto first = append(request);
  append("a", ExpectedVersion::any(), {event_of("t", "a3")});
  if (store_->capabilities().durable) reopen();
  const auto second = append(request);
  EXPECT_EQ(second.outcome, AppendOutcome::duplicate);
  EXPECT_TRUE(second.is_stored());
  EXPECT_EQ(second.last, first.last);
  EXPECT_EQ(second.streams[0].first, 1U);
  EXPECT_EQ(second.streams[0].last, 2U);
  EXPECT_EQ(second.streams[1].last, 1U);
  EXPECT_EQ(bodies(read_all(*store_)), (Bodies{"a1", "a2", "b1", "a3"}));
}

// Claim:  a request that shares only some of its ids with what is stored is refused whole.
// Method: a stored event beside a new one; a stored event for another stream.
TEST_P(EventStoreAppend, RefusesHalfADuplicate) {
  const EncodedEvent stored = event_of("t", "a1");
  append("a", ExpectedVersion::any(), {stored});
  EXPECT_EQ(append("a", ExpectedVersion::any(), {stored, event_of("t", "new")}).outcome,
            AppendOutcome::id_conflict);
  EXPECT_EQ(append("b", ExpectedVersion::any(), {stored}).outcome, AppendOutcome::id_conflict);
  EXPECT_EQ(bodies(read_all(*store_)), (Bodies{"a1"}));
}

// Claim:  what no store takes is refused with an error that names the stream, and stores nothing.
// Method: each fault once.
TEST_P(EventStoreAppend, RefusesBadRequests) {
  const EncodedEvent good = event_of("t", "a");
  EncodedEvent without_topic = good;
  without_topic.envelope.topic.clear();
  const auto refused = [&](const AppendRequest& request) { return !store_->append(request).has_value(); };
  const auto any = ExpectedVersion::any();
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(AppendRequest::to("s", any, {})));
  EXPECT_TRUE(refused(AppendRequest::to("", any, {good})));
  EXPECT_TRUE(refused(AppendRequest::to(std::string("a\0b", 3), any, {good})));
  EXPECT_TRUE(refused(AppendRequest::to(std::string(kStreamNameBytesMax + 1, 's'), any, {good})));
  EXPECT_TRUE(refused(AppendRequest::to("s", any, {without_topic})));
  EXPECT_TRUE(refused(AppendRequest::to("s", any, {good, good})));
  EXPECT_TRUE(refused(AppendRequest::to("s", any, {event_of("t", "a", {""})})));
  EXPECT_TRUE(
      refused(AppendRequest::to("s", any, {event_of("t", "a", std::vector<std::string>(kTagsMax + 1, "t"))})));
  AppendRequest twice = AppendRequest::to("s", any, {good});
  twice.streams.push_back({"s", any, {event_of("t", "b")}});
  EXPECT_TRUE(refused(twice));
  const auto error = store_->append(AppendRequest::to("orders-7", any, {without_topic})).error();
  EXPECT_NE(error.message().find("orders-7"), std::string::npos) << error.message();
  EXPECT_TRUE(read_all(*store_).empty());
}

// Claim:  of writers that expect the same version one wins, and no version is given out twice.
// Method: four threads append to one stream at the version that they saw last, until each has won 25 times.
TEST_P(EventStoreAppend, OneOfConcurrentWritersWins) {
  constexpr std::size_t kWriters = 4;
  constexpr std::size_t kWins = 25;
  std::vector<std::thread> writers;
  for (std::size_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([this] {
      StreamVersion seen = 0;
      for (std::size_t wins = 0; wins < kWins;) {
        const auto receipt = append("s", ExpectedVersion::exact(seen), {event_of("t", "x")});
        if (receipt.is_stored()) ++wins;
        seen = receipt.streams[0].last;
      }
    });
  }
  for (auto& writer : writers) writer.join();
  const auto events = read_stream(*store_, {.stream = "s"});
  ASSERT_EQ(events.size(), kWriters * kWins);
  for (std::size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i].version, i + 1);
}

// Claim:  submit answers every request once, and keeps the order of one thread.
// Method: 100 requests to one stream without waiting; then wait for all answers.
TEST_P(EventStoreAppend, SubmitKeepsTheOrderOfOneThread) {
  std::mutex mutex;
  std::condition_variable answered;
  std::vector<StreamVersion> versions;
  for (int i = 0; i < 100; ++i) {
    store_->submit(
        AppendRequest::to("s", ExpectedVersion::exact(static_cast<StreamVersion>(i)), {event_of("t", "x")}),
        [&](Result<AppendReceipt> receipt) {
          const std::lock_guard lock(mutex);
          versions.push_back(receipt ? receipt->streams[0].last : 0);
          answered.notify_one();
        });
  }
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return versions.size() == 100; });
  for (std::size_t i = 0; i < versions.size(); ++i) EXPECT_EQ(versions[i], i + 1);
}

}  // namespace
}  // namespace headrace::test
