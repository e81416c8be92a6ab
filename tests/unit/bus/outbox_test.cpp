#include "headrace/bus/outbox.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bridge_world.hpp"
#include "headrace/delivery/memory_blob_store.hpp"
#include "headrace/port/claim_check.hpp"
#include "headrace/sourcing/memory_checkpoint_store.hpp"
#include "headrace/sourcing/memory_event_store.hpp"
#include "headrace/sourcing/memory_lease_store.hpp"

namespace headrace {
namespace {

using State = FollowerStatus::State;
using SentTopics = std::vector<std::string>;

/// What outlives a program, and an outbox that the test polls.
struct OutboxOfStore : testing::Test {
  MemoryEventStore store;
  MemoryCheckpointStore checkpoints;
  test::HandSink sink;
  std::unique_ptr<Outbox> outbox = open();

  std::unique_ptr<Outbox> open(FollowerOptions options = {}) {
    options.name = "out";
    options.save_events = 1;
    return std::make_unique<Outbox>(store, checkpoints, sink, write, std::move(options));
  }
  static Result<Message> write(const EncodedEvent& event) {
    if (event.envelope.topic == "unwritable") return Error{"it cannot be written", {}};
    Message message;
    message.topic = event.envelope.topic;
    return message;
  }
  void append(const SentTopics& topics, std::size_t body_bytes = 0) {
    for (const std::string& topic : topics) {
      EncodedEvent event;
      event.envelope.id = EventId::make();
      event.envelope.topic = topic;
      event.body.resize(body_bytes);
      ASSERT_TRUE(store.append(AppendRequest::to("s", ExpectedVersion::any(), {event})));
    }
  }
  SentTopics confirm_all() {
    SentTopics confirmed;
    while (sink.waiting() > 0) confirmed.push_back(sink.confirm(Nothing{}));
    return confirmed;
  }
  /// What a program that starts now would send.
  SentTopics sent_after_a_crash() {
    outbox = nullptr;
    outbox = open();
    static_cast<void>(outbox->poll());
    return confirm_all();
  }
};

// Claim:  events go out in order, and the checkpoint follows what the broker has confirmed, and no further.
// Method: of three sent, one is confirmed; then the program dies.
TEST_F(OutboxOfStore, ComesAgainUnlessConfirmed) {
  append({"a", "b", "c"});
  EXPECT_EQ(outbox->poll(), 3U);
  EXPECT_EQ(sink.confirm(Nothing{}), "a");
  static_cast<void>(outbox->poll());
  const NamedLag lag = outbox->lag();
  EXPECT_EQ(lag.name, "out");
  EXPECT_EQ(lag.lag.behind, 2U) << "what is not confirmed is not read";
  EXPECT_GT(lag.lag.oldest.count(), 0);
  EXPECT_FALSE(lag.stands_still);
  const test::HandSink::Confirms lost = sink.forget_all();
  EXPECT_EQ(sent_after_a_crash(), (SentTopics{"b", "c"}));
}

// Claim:  a confirm that comes after the outbox has gone harms nobody.
// Method: that.
TEST_F(OutboxOfStore, LateConfirmsAreHarmless) {
  append({"a"});
  EXPECT_EQ(outbox->poll(), 1U);
  outbox = nullptr;
  EXPECT_EQ(confirm_all(), SentTopics{"a"});
}

// Claim:  what the broker refuses for a while is sent again, with all behind it, by itself.
// Method: the second of three is refused; polled until all are handled.
TEST_F(OutboxOfStore, RefusedForAWhileGoesAgain) {
  append({"a", "b", "c"});
  outbox = nullptr;
  outbox = open({.retry_first = std::chrono::milliseconds{0}, .retry_longest = std::chrono::milliseconds{0}});
  EXPECT_EQ(outbox->poll(), 3U);
  sink.confirm(Nothing{});
  sink.confirm(Error{"leader is moving", {}, Error::Retry::maybe});
  sink.confirm(Nothing{});
  static_cast<void>(outbox->poll());
  EXPECT_EQ(outbox->status().state, State::retrying);
  EXPECT_NE(outbox->status().error->message().find("leader is moving"), std::string::npos);
  while (outbox->poll() == 0) {
  }
  EXPECT_EQ(confirm_all(), (SentTopics{"b", "c"}));
  EXPECT_EQ(outbox->status().rewinds, 1U);
}

// Claim:  the pauses between tries grow until something goes well, not only until something was sent.
// Method: the first event is refused three times; after each the outbox is polled until it has sent it again.
TEST_F(OutboxOfStore, RefusedAgainRestsLonger) {
  append({"a"});
  outbox = nullptr;
  outbox = open({.retry_first = std::chrono::milliseconds{1}, .retry_longest = std::chrono::hours{1}});
  EXPECT_EQ(outbox->poll(), 1U);
  for (int refusals = 0; refusals < 3; ++refusals) {
    sink.confirm(Error{"leader is moving", {}, Error::Retry::maybe});
    EXPECT_EQ(outbox->poll(), 0U);
    while (outbox->poll() == 0) {
    }
    EXPECT_EQ(outbox->status().state, State::retrying) << "sent is not confirmed";
  }
  sink.confirm(Nothing{});
  static_cast<void>(outbox->poll());
  EXPECT_EQ(outbox->status().state, State::running);
}

// Claim:  at an event that can never go out it stands still, says where, and goes on when told to.
// Method: one that the broker refuses for good, one that cannot be written, one that is too large.
TEST_F(OutboxOfStore, StandsStillAtWhatCannotGoOut) {
  append({"a", "b"});
  EXPECT_EQ(outbox->poll(), 2U);
  sink.confirm(Error{"no such exchange", {}, Error::Retry::no});
  sink.confirm(Nothing{});
  EXPECT_EQ(outbox->poll(), 0U);
  EXPECT_EQ(outbox->poll(), 0U);
  EXPECT_EQ(outbox->status().state, State::failed);
  outbox->resume();
  EXPECT_EQ(outbox->poll(), 2U);
  EXPECT_EQ(confirm_all(), (SentTopics{"a", "b"}));

  append({"unwritable"});
  EXPECT_EQ(outbox->poll(), 0U);
  EXPECT_EQ(outbox->status().state, State::failed);
  EXPECT_NE(outbox->status().error->message().find("unwritable"), std::string::npos);

  outbox = std::make_unique<Outbox>(
      store, checkpoints, sink, [](const EncodedEvent&) -> Result<Message> { return Message{}; },
      FollowerOptions{.name = "other"});
  sink.answer_sends_with(SendResult::too_large);
  EXPECT_EQ(outbox->poll(), 0U);
  EXPECT_EQ(outbox->status().state, State::failed);
}

// Claim:  an event that cannot be written now is written later, by itself; one that found no room is not written
//         twice: its content would lie in a blob store twice.
// Method: a writer that counts, whose store is away at first; then a sink that is full at first.
TEST_F(OutboxOfStore, WritesLaterAndOnce) {
  bool is_away = true;
  int written = 0;
  const auto counted = [&](const EncodedEvent& event) -> Result<Message> {
    if (is_away) return Error{"the blob store is away", {}, Error::Retry::maybe};
    ++written;
    return write(event);
  };
  outbox = std::make_unique<Outbox>(store, checkpoints, sink, counted, FollowerOptions{.name = "out"});
  append({"a"});
  EXPECT_EQ(outbox->poll(), 0U);
  EXPECT_EQ(outbox->status().state, State::retrying);
  is_away = false;
  sink.answer_sends_with(SendResult::full);
  EXPECT_EQ(outbox->poll(), 0U);
  sink.answer_sends_with(SendResult::taken);
  EXPECT_EQ(outbox->poll(), 1U);
  EXPECT_EQ(written, 1);
  EXPECT_EQ(confirm_all(), SentTopics{"a"});
}

// Claim:  while a broker refuses, content that was checked in lies in the blob store once, however often its event is
//         written again.
// Method: two large events, the first refused three times: the outbox goes back to it, and writes both again.
TEST_F(OutboxOfStore, RefusedAgainAndAgainLeavesOneBlob) {
  const auto blobs = std::make_shared<MemoryBlobStore>();
  const ClaimCheck claims{blobs, {.others = {.travels_max = 2}}};
  int written = 0;
  const auto counted = [&](const EncodedEvent& event) {
    ++written;
    return write(event);
  };
  outbox = std::make_unique<Outbox>(store, checkpoints, sink, claims.before(counted),
                                    FollowerOptions{.name = "out", .retry_first = {}, .retry_longest = {}});
  append({"a", "b"}, 5);
  EXPECT_EQ(outbox->poll(), 2U);
  for (int refusals = 0; refusals < 3; ++refusals) {
    sink.confirm(Error{"leader is moving", {}, Error::Retry::maybe});
    sink.confirm(Nothing{});
    while (outbox->poll() == 0) {
    }
  }
  EXPECT_EQ(confirm_all(), (SentTopics{"a", "b"}));
  EXPECT_EQ(written, 8);
  EXPECT_EQ(blobs->stored_bytes(), 10U);
}

// Claim:  an outbox that has lost its lease sends nothing more, and says so.
// Method: two events, the second after the loss; somebody else holds the lease by then.
TEST_F(OutboxOfStore, LostLeaseSendsNothing) {
  MemoryLeaseStore leases;
  const auto lease =
      RunnerLease::try_take(leases, "out", {.renews = RunnerLeaseOptions::Renews::when_called}).value();
  outbox = nullptr;
  outbox = open({.lease = lease.get()});
  append({"a"});
  EXPECT_EQ(outbox->poll(), 1U);
  ASSERT_TRUE(leases.hold("out", 2, EventTime::max(), {}).value());
  EXPECT_FALSE(lease->renew());
  append({"b"});
  EXPECT_EQ(outbox->poll(), 0U);
  EXPECT_EQ(outbox->status().state, State::failed);
  EXPECT_NE(outbox->status().error->message().find("'out' is lost"), std::string::npos);
  EXPECT_EQ(confirm_all(), SentTopics{"a"});
}

// Claim:  a full buffer is waited for, and nothing is sent twice or left out.
// Method: a sink that is full, then not.
TEST_F(OutboxOfStore, WaitsForRoom) {
  append({"a", "b"});
  sink.answer_sends_with(SendResult::full);
  EXPECT_EQ(outbox->poll(), 0U);
  EXPECT_EQ(outbox->status().state, State::retrying);
  EXPECT_EQ(outbox->status().out, 0U);
  sink.answer_sends_with(SendResult::taken);
  EXPECT_EQ(outbox->poll(), 2U);
  EXPECT_EQ(confirm_all(), (SentTopics{"a", "b"}));
}

// Claim:  only what was asked for goes out.
// Method: a query of one topic.
TEST_F(OutboxOfStore, FollowsItsQuery) {
  outbox->follow(EventQuery::of_topic(TopicFilter::exactly("b")));
  append({"a", "b", "c"});
  EXPECT_EQ(outbox->poll(), 1U);
  EXPECT_EQ(confirm_all(), SentTopics{"b"});
}

}  // namespace
}  // namespace headrace
