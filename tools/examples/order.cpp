// An account's movements must be booked in order, also when one of them has to be tried again, or is given up.

#include <array>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <thread>

#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/headrace.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct Movement {
  std::uint64_t account, number;
};
HEADRACE_EVENT(Movement, "accounts.moved", key(account), account, number)

int main() {
  auto letters = std::make_shared<hr::MemoryDeadLetterStore>();
  hr::Bus bus{{.workers = 2}, {.dead_letters = letters}};

  std::array<std::atomic<std::uint64_t>, 8> booked{};  // by account
  std::atomic<bool> repaired = false;
  std::atomic<bool> in_order = true;
  auto ledger = bus.subscribe<Movement>({.name = "ledger",
                                         .placement = hr::Placement::sharded,
                                         .ordered = true,
                                         .retry = hr::fixed(1ms, 3),
                                         .park_key = true},
                                        [&](const Movement& movement, hr::Context& context) -> hr::Outcome {
                                          if (movement.number % 10 == 5 && context.attempt() == 1)
                                            return hr::retry("busy");
                                          if (movement.account == 3 && movement.number == 50 && !repaired)
                                            return hr::dead_letter("bad movement");
                                          if (movement.number != booked[movement.account] + 1) in_order = false;
                                          booked[movement.account] = movement.number;
                                          return hr::done();
                                        });
  bus.start();

  hr::Publisher publisher = bus.publisher();
  for (std::uint64_t number = 1; number <= 100; ++number) {
    for (std::uint64_t account = 0; account < 8; ++account) {
      if (!publisher.publish(Movement{account, number})) return 1;
    }
  }
  while (bus.snapshot().ledger.in_flight != 0) std::this_thread::yield();
  std::printf("account 2 is at %" PRIu64 ", account 3 at %" PRIu64 "\n", booked[2].load(), booked[3].load());

  repaired = true;
  auto run = bus.dead_letters().release_key("ledger", "3");
  while (!run->report().finished) std::this_thread::yield();
  std::printf("account 3 is at %" PRIu64 " after %" PRIu64 " letters\n", booked[3].load(), run->report().handled);

  const hr::StopReport report = bus.stop(5s);
  std::printf("%s\n", to_string(report.ledger).c_str());
  return in_order && booked[3] == 100 ? 0 : 1;
}
