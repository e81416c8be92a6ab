#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "headrace/bus/source_bridge.hpp"
#include "queue_state.hpp"
#include "rabbit_world.hpp"
#include "timed.hpp"

namespace headrace::rabbitmq {
namespace {

using namespace std::chrono_literals;
using test::yield_until;

/// A queue whose messages come to a handler on a bus that the test polls, whose time stands still.
struct RabbitBrake : testing::Test {
  const std::string queue = testing::UnitTest::GetInstance()->current_test_info()->name();
  const Topology topology = Topology::queue_with_dead_letters(queue);
  std::unique_ptr<RabbitSink> sink = test::rabbit_sink(test::sink_to("", topology));
  test::QueueState state{test::RabbitWorld::get().server().port(), queue};
  test::Timed timed{{}, {.lane_bytes = 4096}};
  std::unique_ptr<RabbitSource> source;
  std::optional<SourceBridge> bridge;
  std::map<std::string, int> handled;  ///< how often each body was
  test::Confirms confirms;
  std::size_t sent = 0;
  bool is_down = false;

  Subscription subscribe(SubscribeOptions how) {
    how.filter = "#";
    return timed.bus.subscribe<RelayedMessage>(how, [this](const RelayedMessage& event) {
      if (is_down) return retry("down");
      ++handled[test::body_text(event.relay->message())];
      event.relay->answer(Settlement::done);
      return done();
    });
  }
  void start() {
    timed.bus.start();
    source = std::make_unique<RabbitSource>(test::source_of(queue, topology));
    bridge.emplace(timed.bus, *source);
    ASSERT_TRUE(bridge->start());
  }
  /// And waits until the server has them.
  void send(int messages) {
    for (int i = 0; i < messages; ++i) {
      ASSERT_EQ(sink->send(test::message_of(queue, std::to_string(sent++)), confirms.one()), SendResult::taken);
    }
    confirms.await(sent);
  }
  /// Waits until the source is no consumer any more, and has taken what was on its way to it.
  void await_pause() {
    yield_until([&] { return bridge->counts().pauses == 1; });
    yield_until([&] { return state.ask().consumers == 0; });
    yield_until([&] { return state.ask().ready + bridge->counts().received == sent; });
  }
  /// What comes stays with the broker.
  void stays_with_the_broker() {
    const std::uint64_t received = bridge->counts().received;
    const std::uint32_t ready = state.ask().ready;
    send(50);
    EXPECT_EQ(state.ask().ready, ready + 50);
    EXPECT_EQ(bridge->counts().received, received);
  }
  void handle_all() {
    while (handled.size() < sent) timed.advance(1ms);
    for (const auto& [body, times] : handled) EXPECT_EQ(times, 1) << body;
    EXPECT_EQ(bridge->stop(60s), 0U);
    EXPECT_EQ(state.ask().ready, 0U);
  }
};

// Claim:  while a breaker is open that a queue's messages lead to, they stay in the queue; when it closes, all are handled,
//         once each.
// Method: a handler that fails opens the breaker; what comes then is counted by the server; the handler recovers.
TEST_F(RabbitBrake, OpenBreakerLeavesMessagesInTheQueue) {
  const auto sub = subscribe({.retry = RetryPolicy::fixed(1ms, 100),
                              .breaker = CircuitBreakerOptions{.failures_in_a_row = 1, .open_for = 100ms}});
  start();
  is_down = true;
  send(1);
  yield_until([&] { return timed.run(), bridge->counts().pauses == 1; });
  await_pause();
  stays_with_the_broker();
  timed.advance(50ms);
  EXPECT_TRUE(handled.empty());
  is_down = false;
  handle_all();
}

// Claim:  while the lane that a queue's messages fill is beyond its high watermark, the rest stays in the queue; when the
//         worker has caught up, all are handled, once each.
// Method: a worker that does not look; what comes then is counted by the server; it looks again.
TEST_F(RabbitBrake, FullLaneLeavesMessagesInTheQueue) {
  const auto sub = subscribe({.overflow = headrace::Overflow::fail()});
  send(1000);
  start();
  await_pause();
  EXPECT_GT(state.ask().ready, 0U);
  stays_with_the_broker();
  EXPECT_TRUE(handled.empty());
  handle_all();
  EXPECT_GT(bridge->counts().pauses, 0U);
}

}  // namespace
}  // namespace headrace::rabbitmq
