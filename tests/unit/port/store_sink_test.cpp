#include "headrace/port/store_sink.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace headrace {
namespace {

/// A store that keeps requests until the test answers them. What a sink does not use, it cannot do.
class HandStore final : public EventStore {
 public:
  void submit(AppendRequest request, std::function<void(Result<AppendReceipt>)> done) override {
    waiting.emplace_back(std::move(request), std::move(done));
  }
  void answer(Result<AppendReceipt> result) {
    auto done = std::move(waiting.front().second);
    waiting.pop_front();
    done(std::move(result));
  }
  EventStoreCapabilities capabilities() const override { return {.name = "hand", .durable = true}; }

  Result<AppendReceipt> append(const AppendRequest&) override { return unused(); }
  Result<ReadEnd> read_stream(const StreamRead&, const EventVisitor&) override { return unused(); }
  Result<ReadEnd> read_all(const GlobalRead&, const EventVisitor&) override { return unused(); }
  Result<StreamInfo> stream(std::string_view) override { return unused(); }
  Result<std::vector<StreamInfo>> streams(std::string_view, std::size_t) override { return unused(); }
  Result<EventPosition> last_position() override { return unused(); }
  Result<EventPosition> wait_beyond(EventPosition, std::chrono::milliseconds, std::stop_token) override {
    return unused();
  }
  Status truncate_stream(std::string_view, StreamVersion) override { return unused(); }
  Status truncate_all(EventPosition) override { return unused(); }

  std::deque<std::pair<AppendRequest, std::function<void(Result<AppendReceipt>)>>> waiting;

 private:
  static Error unused() { return {"not in this test", "hand store"}; }
};

struct StoreSinkTest : testing::Test {
  std::shared_ptr<HandStore> store = std::make_shared<HandStore>();
  StoreSink sink{store, {.identity = "id", .unconfirmed_max = 2}};
  std::vector<std::string> answers;

  void SetUp() override { ASSERT_TRUE(sink.start()); }
  SendResult send(std::string topic, std::string id = {}) {
    Message message;
    message.topic = std::move(topic);
    message.headers = {{"id", std::move(id)}};
    message.content_type = "text/plain";
    message.body = {std::byte{7}};
    return sink.send(std::move(message), [this](const Status& status) {
      answers.push_back(status ? "done" : status.error().retry == Error::Retry::no ? "no" : "maybe");
    });
  }
  const EncodedEvent& event(std::size_t at) { return store->waiting.at(at).first.streams.at(0).events.at(0); }
};

// Claim:  a message becomes an event of its topic's stream, as it is, and is done when the store says so.
// Method: one message; what the store is asked, and the answer.
TEST_F(StoreSinkTest, MessageBecomesAnEvent) {
  ASSERT_EQ(send("plant.7"), SendResult::taken);
  EXPECT_EQ(store->waiting.at(0).first.streams.at(0).stream, "plant.7");
  EXPECT_EQ(event(0).envelope.topic, "plant.7");
  EXPECT_EQ(event(0).content_type, "text/plain");
  EXPECT_EQ(event(0).body, std::vector<std::byte>{std::byte{7}});
  EXPECT_TRUE(answers.empty());
  store->answer(AppendReceipt{});
  EXPECT_EQ(answers, std::vector<std::string>{"done"});
}

// Claim:  copies have the same event id, other messages another; a UUID is taken as it is, and a copy that the store
//         has already is done.
// Method: ids of each kind.
TEST_F(StoreSinkTest, CopiesAreStoredOnce) {
  const std::string uuid = EventId::make().to_string();
  ASSERT_EQ(send("a", uuid), SendResult::taken);
  EXPECT_EQ(event(0).envelope.id.to_string(), uuid);
  AppendReceipt copy;
  copy.outcome = AppendOutcome::duplicate;
  store->answer(std::move(copy));
  ASSERT_EQ(send("a", "order 7"), SendResult::taken);
  ASSERT_EQ(send("a", "order 7"), SendResult::taken);
  EXPECT_EQ(event(0).envelope.id, event(1).envelope.id);
  EXPECT_TRUE(event(0).envelope.id);
  store->answer(AppendReceipt{});
  ASSERT_EQ(send("a", "order 8"), SendResult::taken);
  EXPECT_NE(event(0).envelope.id, event(1).envelope.id);
  EXPECT_EQ(answers, (std::vector<std::string>{"done", "done"}));
}

// Claim:  no more are under way than may be; then it is full, until the store answers.
// Method: two of two, a third, and one answer.
TEST_F(StoreSinkTest, IsBounded) {
  ASSERT_EQ(send("a"), SendResult::taken);
  ASSERT_EQ(send("a"), SendResult::taken);
  EXPECT_EQ(send("a"), SendResult::full);
  EXPECT_FALSE(sink.wait_for_room(std::chrono::milliseconds(0)));
  store->answer(AppendReceipt{});
  EXPECT_TRUE(sink.wait_for_room(std::chrono::milliseconds(0)));
  EXPECT_EQ(send("a"), SendResult::taken);
  EXPECT_EQ(sink.stop(std::chrono::milliseconds(0)), 2U);
  EXPECT_EQ(send("a"), SendResult::closed);
}

// Claim:  what is wrong with a message is said of it, for good; a store that has stopped is no fault of the message:
//         it may be sent again, and the sink says that it gave up.
// Method: a topic that is no stream's name; an error that passes, and one of the disk.
TEST_F(StoreSinkTest, FaultsOfTheStoreAreNoFaultsOfMessages) {
  ASSERT_EQ(send(std::string(2000, 'x')), SendResult::taken);
  ASSERT_EQ(send(""), SendResult::taken);
  EXPECT_EQ(answers, (std::vector<std::string>{"no", "no"}));
  ASSERT_EQ(send("a"), SendResult::taken);
  store->answer(Error{"busy", "file", Error::Retry::maybe});
  EXPECT_EQ(sink.health().state, AdapterState::up);
  ASSERT_EQ(send("a"), SendResult::taken);
  store->answer(Error{"I/O error", "file", Error::Retry::no});
  EXPECT_EQ(answers, (std::vector<std::string>{"no", "no", "maybe", "maybe"}));
  EXPECT_EQ(sink.health().state, AdapterState::gave_up);
  EXPECT_EQ(sink.health().reason, "file: I/O error");
}

// Claim:  an answer that comes after the sink has gone is taken.
// Method: the sink ends before its store answers.
TEST(StoreSinkEnd, LateAnswersAreTaken) {
  const auto store = std::make_shared<HandStore>();
  bool confirmed = false;
  {
    StoreSink sink(store);
    ASSERT_TRUE(sink.start());
    Message message;
    message.topic = "a";
    ASSERT_EQ(sink.send(std::move(message), [&](const Status& status) { confirmed = status.has_value(); }),
              SendResult::taken);
  }
  store->answer(AppendReceipt{});
  EXPECT_TRUE(confirmed);
}

}  // namespace
}  // namespace headrace
