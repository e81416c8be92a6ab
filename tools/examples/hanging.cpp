// A handler that hangs, and a worker that goes on without it.
//
// "lookup" asks a service which does not answer until the clock has ticked. Both subscriptions are on the bus's only
// worker: without move_shards the tick would wait for the lookup, and the lookup for the tick.

#include <cstdint>
#include <cstdio>
#include <future>
#include <headrace/headrace.hpp>

namespace hr = headrace;
using namespace std::chrono_literals;

struct Question {
  std::uint64_t customer = 0;
};
HEADRACE_EVENT(Question, "hanging.question", key(customer), customer)

struct ClockTick {
  std::uint64_t second = 0;
};
HEADRACE_EVENT(ClockTick, "hanging.tick", second)

int main() {
  std::promise<void> answer;
  const auto warn = [](const hr::SlowHandler& slow) {
    std::printf("%s hangs with customer %s\n", slow.subscription.c_str(), slow.key.c_str());
  };
  hr::Bus bus{{.workers = 1}, {.on_slow_handler = warn}};

  const hr::SubscribeOptions lookup{
      .name = "lookup", .handler_limit = 5ms, .on_overrun = hr::OnOverrun::move_shards};
  auto asks = bus.subscribe<Question>(lookup, [&](const Question& question) {
    answer.get_future().wait();
    std::printf("customer %d is known\n", static_cast<int>(question.customer));
  });
  auto ticks = bus.subscribe<ClockTick>([&](const ClockTick&) { answer.set_value(); });

  bus.start();
  if (!bus.publish(Question{7}) || !bus.publish(ClockTick{1})) return 1;
  const hr::StopReport report = bus.stop(60s);
  std::printf("handled: %d\n", static_cast<int>(report.ledger.handled));
  return report.drained && report.ledger.handled == 2 ? 0 : 1;
}
