// The same fact may be published twice, by a sender that did not hear the first answer. It takes effect once.

#include <cinttypes>
#include <cstdio>

#include "headrace/headrace.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct Order {
  std::uint64_t number, cents;
};
HEADRACE_EVENT(Order, "orders.placed", key(number), number, cents)

int main() {
  hr::Bus bus{{.workers = 1}};
  std::uint64_t charged = 0;
  std::uint64_t shipped = 0;
  std::uint64_t thanked = 0;
  // By the event's id, which the sender gives.
  auto charging = bus.subscribe<Order>(
      {.name = "charging", .deduplicated = hr::Deduplicated{.window = {.events_max = 100'000, .window = 10min}}},
      [&](const Order& order) { charged += order.cents; });
  // By the order's number, whatever the id.
  auto shipping = bus.subscribe<Order>({.name = "shipping", .deduplicated = hr::Deduplicated{.by_key = true}},
                                       [&](const Order&) { ++shipped; });
  // By what a function makes of it: one letter for all orders of the same amount, say.
  const hr::DedupBy amount = hr::dedup_by<Order>([](const Order& order) { return order.cents; });
  auto thanking = bus.subscribe<Order>({.name = "thanking", .deduplicated = hr::Deduplicated{.by = amount}},
                                       [&](const Order&) { ++thanked; });
  bus.start();

  const hr::EventId id = hr::EventId::make();
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (!bus.publish(Order{7, 1999}, {.id = id})) return 1;
  }
  if (!bus.publish(Order{7, 1999}, {.id = hr::EventId::make()})) return 1;
  if (!bus.publish(Order{8, 1999}, {.id = hr::EventId::make()})) return 1;

  const hr::StopReport report = bus.stop(5s);
  std::printf("charged %" PRIu64 " cents, shipped %" PRIu64 " times, thanked %" PRIu64 " times; %s\n", charged,
              shipped, thanked, to_string(report.ledger).c_str());
  return charged == 3 * 1999 && shipped == 2 && thanked == 1 ? 0 : 1;
}
