// What happens when a handler cannot do its work: it is tried again, then its event is a dead letter, and an
// operator redrives it once the cause is gone.

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <thread>

#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/headrace.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct Payment {
  std::uint64_t order, cents;
};
HEADRACE_EVENT(Payment, "payments.made", key(order), order, cents)

int main() {
  auto letters = std::make_shared<hr::MemoryDeadLetterStore>();
  hr::Bus bus{{.workers = 1}, {.dead_letters = letters}};

  std::atomic<bool> bank_is_up = false;
  std::atomic<std::uint64_t> booked = 0;
  auto booking = bus.subscribe<Payment>({.name = "booking", .retry = hr::exponential(1ms, 2.0, 4)},
                                        [&](const Payment& payment) -> hr::Outcome {
                                          if (payment.cents == 0) return hr::dead_letter("a payment of nothing");
                                          if (!bank_is_up) return hr::retry("the bank does not answer");
                                          booked += payment.cents;
                                          return hr::done();
                                        });
  bus.start();

  if (!bus.publish(Payment{1, 1999}) || !bus.publish(Payment{2, 0})) return 1;
  while (bus.snapshot().ledger.in_flight != 0) std::this_thread::yield();

  hr::DeadLetters dead = bus.dead_letters();
  const auto listed = dead.list();
  if (!listed) return 1;
  for (const hr::DeadLetter& letter : *listed) {
    std::printf("order %s: %s, after %u attempts\n", letter.envelope.key.c_str(), letter.reason.c_str(),
                letter.attempts_made);
  }

  bank_is_up = true;
  auto run = dead.redrive({.subscription = "booking"}, {.letters_per_second = 1000});
  while (!run->report().finished) std::this_thread::yield();
  std::printf("%" PRIu64 " handled, %" PRIu64 " failed again\n", run->report().handled, run->report().returned);
  if (auto gone = dead.discard({.key = "2"}); !gone || *gone != 1) return 1;

  const hr::StopReport report = bus.stop(5s);
  std::printf("booked %" PRIu64 " cents; %s\n", booked.load(), to_string(report.ledger).c_str());
  return booked == 1999 && dead.list()->empty() ? 0 : 1;
}
