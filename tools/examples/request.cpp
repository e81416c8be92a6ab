// Asking over the bus: a question, an answer, a deadline. docs/guide/11-asking.md walks through it.

#include <chrono>
#include <cstdint>
#include <cstdio>

#include "headrace/bus/requests.hpp"
#include "headrace/headrace.hpp"

namespace hr = headrace;

struct PriceAsked {
  std::uint64_t item;
};
HEADRACE_EVENT(PriceAsked, "prices.asked", item)

struct PriceTold {
  std::uint64_t item;
  std::int64_t cents;
};
HEADRACE_EVENT(PriceTold, "prices.told", item, cents)

int main() {
  using namespace std::chrono_literals;
  hr::Bus bus{{.workers = 1}};

  // Whoever answers is a handler like any other.
  auto prices = bus.subscribe<PriceAsked>([](const PriceAsked& asked, hr::Context& context) {
    if (asked.item != 404) static_cast<void>(context.publish(PriceTold{asked.item, 1999}));
  });
  hr::Requests<PriceAsked, PriceTold> ask_price(bus);
  bus.start();

  const auto known = ask_price.ask(PriceAsked{7}, 10s);
  if (!known) return 1;
  std::printf("item 7 costs %lld cents\n", static_cast<long long>(known->cents));

  const auto unknown = ask_price.ask(PriceAsked{404}, 20ms);
  if (unknown) return 1;
  std::printf("item 404: %s\n", unknown.error().what.c_str());
  return known->cents == 1999 ? 0 : 1;
}
