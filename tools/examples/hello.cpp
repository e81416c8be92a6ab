// The smallest whole program: an event, a handler, a publisher, and the account at the end.

#include <cinttypes>
#include <cstdio>

#include "headrace/headrace.hpp"

namespace hr = headrace;

struct OrderPlaced {
  std::uint64_t order, customer, total_cents;
};
HEADRACE_EVENT(OrderPlaced, "orders.placed", key(customer), order, customer, total_cents)

int main() {
  hr::Bus bus{{.workers = 2}};
  auto billing = bus.subscribe<OrderPlaced>([](const OrderPlaced& placed) {
    std::printf("order %" PRIu64 ": customer %" PRIu64 " owes %" PRIu64 " cents\n", placed.order, placed.customer,
                placed.total_cents);
  });
  bus.start();

  hr::Publisher publisher = bus.publisher();
  for (std::uint64_t order = 1; order <= 3; ++order) {
    if (auto result = publisher.publish(OrderPlaced{order, 7, 1999 * order}); !result) return 1;
  }
  const hr::StopReport report = bus.stop(std::chrono::seconds(5));
  std::printf("%s\n", to_string(report.ledger).c_str());
}
