#include "headrace/port/gated_source.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gate.hpp"

namespace headrace {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

/// A broker with a message for whoever has room, and what it was told.
struct PaperQueue {
  std::atomic<bool> bad_options{false};
  std::atomic<bool> breaks{false};  ///< the connection, once
  std::atomic<int> delivered{0};
  std::atomic<int> cuts{0};
  std::mutex mutex;
  std::string told;  // behind mutex
  std::string all_told() {
    const std::scoped_lock lock(mutex);
    return told;
  }
};

/// Holds one message at a time.
class PaperSource final : public GatedSource {
 public:
  PaperSource(PaperQueue& queue, SourceReader::Waits waits)
      : GatedSource(std::make_unique<Reader>(queue, waits)) {}

 private:
  class Reader final : public SourceReader {
   public:
    Reader(PaperQueue& queue, Waits waits)
        : SourceReader({.loop = {.backoff = {milliseconds(1), milliseconds(1)}},
                        .capabilities = {.name = "paper", .defer = true},
                        .waits = waits}),
          queue_(queue),
          waits_(waits) {}

   private:
    Status check() override { return queue_.bad_options ? Status(Error{"no good", "paper"}) : Nothing{}; }
    Status connect_and_serve() override {
      loop().connected();
      for (loop().waker()->begin(); !loop().halting(); loop().waker()->begin()) {
        if (gate().room(1) > 0) {
          deliver({}, static_cast<std::uint64_t>(queue_.delivered.load()) + 1, false, 1);
          queue_.delivered.fetch_add(1);
        }
        if (queue_.breaks.exchange(false)) return Error{"the line broke", "paper", Error::Retry::maybe};
        const bool on_inbox = waits_ == Waits::on_inbox;
        if (!on_inbox && gate().room(1) == 0) loop().waker()->wait(-1, hours(1));
        tell(gate().inbox()->take(on_inbox ? milliseconds(hours(1)) : milliseconds(0)));
      }
      tell(gate().inbox()->take());
      return Nothing{};
    }
    void cut() override { queue_.cuts.fetch_add(1); }
    void tell(const std::vector<SettlementInbox::Answer>& answers) {
      const std::scoped_lock lock(queue_.mutex);
      for (const auto& answer : answers) {
        queue_.told += std::to_string(answer.tag) + (answer.settlement == Settlement::done ? "d" : "o") + " ";
      }
    }

    PaperQueue& queue_;
    const Waits waits_;
  };
};

/// What a source delivers, kept by the test.
struct Kept {
  std::mutex mutex;
  std::vector<ReceivedMessage> all;  // behind mutex
  Source::Deliver keep() {
    return [this](ReceivedMessage&& message) {
      const std::scoped_lock lock(mutex);
      all.push_back(std::move(message));
    };
  }
  Settle take() {
    test::yield_until([this] {
      const std::scoped_lock lock(mutex);
      return !all.empty();
    });
    const std::scoped_lock lock(mutex);
    Settle settle = std::move(all.front().settle);
    all.erase(all.begin());
    return settle;
  }
};

struct GatedSources : testing::TestWithParam<SourceReader::Waits> {
  PaperQueue queue;
  Kept kept;
};

// Claim:  a source with bad options does not begin, and begins when they are mended.
// Method: a start of each kind.
TEST_P(GatedSources, BeginWithGoodOptionsOnly) {
  queue.bad_options = true;
  PaperSource source(queue, GetParam());
  EXPECT_EQ(source.start(kept.keep()).error().what, "no good");
  EXPECT_EQ(source.health().state, AdapterState::idle);
  queue.bad_options = false;
  ASSERT_TRUE(source.start(kept.keep()));
  kept.take()(Settlement::done);
  kept.take()(Settlement::defer);
  (void)source.stop(milliseconds(0));
  EXPECT_TRUE(queue.all_told().starts_with("1d 2o ")) << queue.all_told();
}

// Claim:  a paused source delivers nothing, also from its start, and goes on when it is resumed.
// Method: paused before the start and again later, with waits of hours.
TEST_P(GatedSources, PauseHoldsMessagesBack) {
  PaperSource source(queue, GetParam());
  source.pause();
  ASSERT_TRUE(source.start(kept.keep()));
  test::yield_until([&] { return source.health().state == AdapterState::up; });
  EXPECT_EQ(queue.delivered, 0);
  source.resume();
  Settle first = kept.take();
  source.pause();
  first(Settlement::done);
  test::yield_until([&] { return queue.all_told() == "1d "; });
  EXPECT_EQ(queue.delivered, 1);
  source.resume();
  kept.take()(Settlement::done);
  (void)source.stop(milliseconds(0));
}

// Claim:  stop() waits for the outcome of what is out, tells it, and answers how much had none; what is settled then does
//         nothing. The source can start again.
// Method: one message settled while stop() waits, one never.
TEST_P(GatedSources, StopTellsWhatIsSettledInTime) {
  PaperSource source(queue, GetParam());
  ASSERT_TRUE(source.start(kept.keep()));
  Settle first = kept.take();
  source.pause();  // else another might come before stop() says no more
  std::size_t left = 1;
  std::thread stops([&] { left = source.stop(hours(1)); });
  first(Settlement::done);
  stops.join();
  EXPECT_EQ(left, 0U);
  EXPECT_EQ(queue.all_told(), "1d ");

  source.resume();
  ASSERT_TRUE(source.start(kept.keep()));
  Settle second = kept.take();
  EXPECT_EQ(source.stop(milliseconds(0)), 1U);
  second(Settlement::done);
  EXPECT_EQ(queue.all_told(), "1d ");
}

// Claim:  the answer to a message of a connection that broke is not told on the next one.
// Method: a message that is out while the line breaks, and the next.
TEST_P(GatedSources, AnswersOfABrokenConnectionAreDropped) {
  PaperSource source(queue, GetParam());
  queue.breaks = true;
  ASSERT_TRUE(source.start(kept.keep()));
  Settle lost = kept.take();
  Settle next = kept.take();
  lost(Settlement::done);
  next(Settlement::done);
  (void)source.stop(milliseconds(0));
  EXPECT_TRUE(queue.all_told().starts_with("2d ")) << queue.all_told();
}

INSTANTIATE_TEST_SUITE_P(Waits, GatedSources,
                         testing::Values(SourceReader::Waits::on_waker, SourceReader::Waits::on_inbox));

}  // namespace
}  // namespace headrace
