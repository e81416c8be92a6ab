#include "headrace/bus/requests.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "events.hpp"
#include "settle.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

/// Asks with Tick, is answered with Tock; what came is written down.
class RequestsTest : public ::testing::Test {
 protected:
  using Asking = Requests<Tick, Tock>;

  Asking::Done note() {
    return [this](Result<Tock> result) {
      came_.push_back(result ? std::to_string(result->value) : result.error().what);
    };
  }
  Subscription double_it() {
    return timed_.bus.subscribe<Tick>(
        [](const Tick& tick, Context& context) { EXPECT_TRUE(context.publish(Tock{2 * tick.value})); });
  }
  void run() { timed_.advance(0ms); }

  Timed timed_;
  std::vector<std::string> came_;
};

// Claim:  each request gets its own reply, whatever other replies are under way, and its deadline is taken back.
TEST_F(RequestsTest, EachGetsItsReply) {
  const auto replier = double_it();
  {
    Asking one(timed_.bus), other(timed_.bus);
    ASSERT_TRUE(one.ask(Tick{0, 21}, 1s, note()));
    ASSERT_TRUE(other.ask(Tick{0, 4}, 1s, note()));
    ASSERT_TRUE(timed_.bus.publish(Tock{99}));
    run();
    EXPECT_EQ(came_, (std::vector<std::string>{"42", "8"}));
    EXPECT_EQ(one.waiting() + other.waiting(), 0U);
    timed_.advance(2s);
    EXPECT_EQ(came_.size(), 2U);
  }
  EXPECT_EQ(stop_drained(timed_.bus).dropped, 0U);
}

// Claim:  a request that nobody answers in time is answered with an error, at its deadline; a late reply changes
//         nothing.
TEST_F(RequestsTest, DeadlinesEndTheWait) {
  EventMeta asked;
  const auto replier = timed_.bus.subscribe<Tick>([&](const Tick&, Context& context) { asked = *context.meta(); });
  Asking asking(timed_.bus);
  ASSERT_TRUE(asking.ask(Tick{0, 1}, 50ms, note()));
  timed_.advance(49ms);
  EXPECT_TRUE(came_.empty());
  timed_.advance(2ms);
  EXPECT_EQ(came_, (std::vector<std::string>{"no answer by the deadline"}));
  ASSERT_TRUE(timed_.bus.publish(Tock{2}, {.causation = asked.id}));
  run();
  EXPECT_EQ(came_.size(), 1U);
}

// Claim:  a request that comes to its handler behind its deadline is not handled.
TEST_F(RequestsTest, RequestsExpire) {
  int handled = 0;
  const auto replier = timed_.bus.subscribe<Tick>({.retry = immediate(2)}, [&](const Tick&) -> Outcome {
    ++handled;
    return done();
  });
  Asking asking(timed_.bus);
  ASSERT_TRUE(asking.ask(Tick{0, 1}, 50ms, note()));
  timed_.now_ns += 60'000'000;
  run();
  EXPECT_EQ(handled, 0);
}

// Claim:  a request that is made in a handler, and its reply, belong to the transaction of the event handled
//         there.
TEST_F(RequestsTest, BelongToTheTransactionOfTheHandler) {
  const auto replier = double_it();
  Asking asking(timed_.bus);
  EventId placed, correlation;
  const auto asker = timed_.bus.subscribe<Named>([&](const Named&, Context& context) {
    placed = context.meta()->id;
    ASSERT_TRUE(asking.ask(context, Tick{0, 5}, 1s, note()));
  });
  const auto tap = timed_.bus.subscribe<Tock>(
      [&](const Tock&, Context& context) { correlation = context.meta()->correlation; });
  ASSERT_TRUE(timed_.bus.publish(Named{"x"}, {.id = EventId::make()}));
  run();
  run();
  EXPECT_EQ(came_, (std::vector<std::string>{"10"}));
  EXPECT_EQ(correlation, placed);
}

// Claim:  what cannot be asked is an error at once, and is not answered a second time: nobody handles it, too many
//         wait, the bus is closed.
TEST_F(RequestsTest, RefusalsAreErrors) {
  Asking asking(timed_.bus, {.waiting_max = 1});
  EXPECT_EQ(asking.ask(Tick{}, 1s, note()).error().what, "nobody handles this request");
  EXPECT_EQ(asking.waiting(), 0U);
  const auto silent = timed_.bus.subscribe<Tick>([](const Tick&) {});
  ASSERT_TRUE(asking.ask(Tick{}, 1s, note()));
  const Status full = asking.ask(Tick{}, 1s, note());
  EXPECT_EQ(full.error().what, "too many requests wait");
  EXPECT_EQ(full.error().retry, Error::Retry::maybe);
  timed_.advance(2s);
  EXPECT_EQ(came_.size(), 1U);
  static_cast<void>(stop_drained(timed_.bus));
  const Status closed = asking.ask(Tick{}, 1s, note());
  EXPECT_NE(closed.error().what.find("was not published: closed"), std::string::npos) << closed.error().what;
  EXPECT_EQ(closed.error().retry, Error::Retry::no);
  EXPECT_EQ(came_.size(), 1U);
}

// Claim:  what still waits when the asker goes is answered with an error.
TEST_F(RequestsTest, TheEndAnswersWhatWaits) {
  const auto silent = timed_.bus.subscribe<Tick>([](const Tick&) {});
  {
    Asking asking(timed_.bus);
    ASSERT_TRUE(asking.ask(Tick{}, 1s, note()));
  }
  EXPECT_EQ(came_, (std::vector<std::string>{"nobody waits for answers any longer"}));
}

// Claim:  a thread may wait for its answer.
TEST(RequestsOfThreads, WaitForTheirAnswer) {
  Bus bus{{.workers = 1}};
  const auto replier = bus.subscribe<Tick>(
      [](const Tick& tick, Context& context) { EXPECT_TRUE(context.publish(Tock{2 * tick.value})); });
  Requests<Tick, Tock> asking(bus);
  bus.start();
  const auto answer = asking.ask(Tick{0, 21}, 1h);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->value, 42U);
  const auto silent = bus.subscribe<Named>([](const Named&) {});
  Requests<Named, Tock> unanswered(bus);
  EXPECT_EQ(unanswered.ask(Named{"x"}, 1ms).error().what, "no answer by the deadline");
}

}  // namespace
}  // namespace headrace
