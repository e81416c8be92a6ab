#include "headrace/port/buffered_sink.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "gate.hpp"

namespace headrace {
namespace {

using std::chrono::milliseconds;

/// What a broker got, and how it answers.
struct PaperBroker {
  std::atomic<bool> bad_options{false};
  std::atomic<bool> silent{false};         ///< takes, and does not confirm
  std::atomic<int> connections_to_end{0};  ///< each at its first message
  std::atomic<int> cuts{0};
  std::atomic<std::size_t> taken{0};
  std::vector<std::string> topics;  ///< the loop's thread's, until the sink has stopped
};

class PaperSink final : public BufferedSink {
 public:
  explicit PaperSink(PaperBroker& broker) : BufferedSink(std::make_unique<Writer>(broker)) {}

 private:
  class Writer final : public SinkWriter {
   public:
    explicit Writer(PaperBroker& broker)
        : SinkWriter({.where = "paper sink",
                      .buffer = {.messages_max = 4},
                      .loop = {.backoff = {milliseconds(1), milliseconds(1)}},
                      .capabilities = {.name = "paper", .body_bytes_max = 3}}),
          broker_(broker) {}
    ~Writer() override { broker_.topics.emplace_back("gone"); }

   private:
    Status check() override { return broker_.bad_options ? Status(Error{"no good", "paper"}) : Nothing{}; }
    Status connect_and_serve() override {
      loop().connected();
      for (loop().waker()->begin(); !loop().halting(); loop().waker()->begin()) {
        const SendBuffer::Item* item = buffer().next();
        if (item == nullptr) {
          loop().waker()->wait(-1, std::chrono::hours(1));
          continue;
        }
        broker_.topics.push_back(item->message.topic + (item->sent_before ? " again" : ""));
        broker_.taken.fetch_add(1);
        if (broker_.connections_to_end-- > 0) return Error{"the line broke", "paper", Error::Retry::maybe};
        if (!broker_.silent) buffer().confirm(item->number, Nothing{});
      }
      return Nothing{};
    }
    void cut() override { broker_.cuts.fetch_add(1); }

    PaperBroker& broker_;
  };
};

Message paper(std::string topic, std::size_t body_bytes = 0) {
  Message message;
  message.topic = std::move(topic);
  message.body.resize(body_bytes);
  return message;
}

// Claim:  a sink with bad options does not begin, takes nothing, and begins when they are mended; what its broker would
//         refuse by size is refused at once.
// Method: a start of each kind; a body of one byte too many.
TEST(BufferedSinks, BeginWithGoodOptionsOnly) {
  PaperBroker broker;
  broker.bad_options = true;
  PaperSink sink(broker);
  EXPECT_EQ(sink.start().error().what, "no good");
  EXPECT_EQ(sink.send(paper("early"), nullptr), SendResult::closed);
  broker.bad_options = false;
  ASSERT_TRUE(sink.start());
  EXPECT_EQ(sink.send(paper("large", 4), nullptr), SendResult::too_large);
  EXPECT_EQ(sink.send(paper("fits", 3), nullptr), SendResult::taken);
  EXPECT_EQ(sink.stop(std::chrono::hours(1)), 0U);
  EXPECT_EQ(sink.send(paper("late"), nullptr), SendResult::closed);
  EXPECT_EQ(broker.topics, std::vector<std::string>{"fits"});
  EXPECT_EQ(sink.health().state, AdapterState::idle);
}

// Claim:  what was sent on a connection that broke goes out on the next one, marked; the adapter need not see to it.
// Method: two connections that end with their first message, unconfirmed.
TEST(BufferedSinks, SendAgainWhatABrokenConnectionLeft) {
  PaperBroker broker;
  broker.connections_to_end = 2;
  PaperSink sink(broker);
  ASSERT_TRUE(sink.start());
  std::atomic<int> confirmed{0};
  ASSERT_EQ(sink.send(paper("a"), [&](const Status& answer) { confirmed += answer ? 1 : 100; }),
            SendResult::taken);
  EXPECT_EQ(sink.stop(std::chrono::hours(1)), 0U);
  EXPECT_EQ(confirmed, 1);
  EXPECT_EQ(broker.topics, (std::vector<std::string>{"a", "a again", "a again"}));
  EXPECT_EQ(sink.health().connections, 3U);
}

// Claim:  a sink that stops at its deadline, or goes, answers for what the broker has not confirmed, after its thread
//         has ended; then the writer goes.
// Method: a broker that confirms nothing; a stop without patience, a start, and the end of the sink.
TEST(BufferedSinks, AnswerForWhatIsLeft) {
  PaperBroker broker;
  broker.silent = true;
  std::vector<std::string> answers;
  const auto confirm = [&](const Status& answer) {
    answers.push_back(answer ? "done" : answer.error().message());
  };
  {
    PaperSink sink(broker);
    ASSERT_TRUE(sink.start());
    ASSERT_EQ(sink.send(paper("a"), confirm), SendResult::taken);
    test::yield_until([&] { return broker.taken == 1; });
    EXPECT_EQ(sink.stop(milliseconds(0)), 1U);
    ASSERT_TRUE(sink.start());
    ASSERT_EQ(sink.send(paper("b"), confirm), SendResult::taken);
    test::yield_until([&] { return broker.taken == 2; });
  }
  const std::string stopped = "paper sink: the sink was stopped before the broker confirmed it";
  EXPECT_EQ(answers, (std::vector<std::string>{stopped, stopped}));
  EXPECT_EQ(broker.topics, (std::vector<std::string>{"a", "b", "gone"}));
}

}  // namespace
}  // namespace headrace
