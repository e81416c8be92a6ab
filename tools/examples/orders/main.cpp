// An online shop, twice: PlaceOrder, an aggregate, stored events, then inventory, payment, orders, mail and
// analytics, first as choreography, then as a saga that is in charge. docs/guide/09-orders.md walks through it.

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include "choreography.hpp"
#include "headrace/process/saga_runner.hpp"
#include "headrace/process/trace.hpp"
#include "orchestration.hpp"

namespace {

using namespace std::chrono_literals;

int faults = 0;

void check(bool right, const char* what) {
  if (right) return;
  std::printf("WRONG: %s\n", what);
  ++faults;
}

constexpr OrderPlaced kGood{1, 7, 2, 3998};
constexpr OrderPlaced kPoor{2, Bank::kPoorCustomer, 1, 1999};
constexpr OrderPlaced kOdd{3, Bank::kOddCustomer, 5, 9995};

void choreography(const std::filesystem::path& file) {
  std::printf("--- choreography\n");
  Shop shop(file);
  Bank bank;
  Choreography services(shop, bank);
  const auto good = shop.place(kGood);
  const auto poor = shop.place(kPoor);
  check(good && poor && shop.place(kOdd), "orders can be placed");
  check(!shop.place(kGood), "an order is placed once");

  services.wait_for_mails(2);
  services.wait_for_letter();
  bank.repair();
  check(services.redrive() == 1, "the letter of order 3 is redriven");
  services.wait_for_mails(3);
  services.publish_again(kGood, *good);

  check(shop.order(1)->state == Order::State::confirmed, "order 1 is confirmed");
  check(shop.order(2)->state == Order::State::cancelled, "order 2 is cancelled");
  check(shop.order(3)->state == Order::State::confirmed, "order 3 is confirmed after the redrive");
  check(services.cents_of_confirmed_orders() == kGood.cents + kOdd.cents, "analytics has counted what was paid");
  for (const auto& [order, mail] : services.mails()) std::printf("order %" PRIu64 ": %s\n", order, mail.c_str());
  check(services.mails().at(1) == "your books are on their way", "one mail an order");

  // The audit trail: who caused what, of one order.
  const auto trail = hr::trace(shop.store(), *poor, {.dead_letters = &services.letters()});
  if (trail) std::printf("%s", to_text(*trail).c_str());
  check(trail && trail->events.size() >= 4 && trail->roots.size() == 1, "order 2 has one trail");
}

void orchestration(const std::filesystem::path& file) {
  std::printf("--- orchestration\n");
  Shop shop(file);
  Bank bank;
  auto letters = shop.store().dead_letters();
  auto opened = hr::SagaRunner::open(shop.store(), **letters, order_saga(shop, bank), {.threads = 1});
  if (!opened) return check(false, opened.error().message().c_str());
  hr::SagaRunner& sagas = **opened;
  hr::EventId poor;
  for (const OrderPlaced& order : {kGood, kPoor}) {
    const auto placed = shop.place(order);
    if (!placed) return check(false, "orders can be placed");
    const std::string id = std::to_string(order.order);
    // The placed event begins the transaction, and caused the saga. Starting twice changes nothing.
    for (int times = 0; times < 2; ++times)
      check(sagas.start(id, id, {*placed, *placed}).has_value(), "it starts");
    poor = *placed;
  }
  check(sagas.wait_for("1", 1min)->phase == hr::SagaPhase::completed, "saga 1 is completed");
  check(sagas.wait_for("2", 1min)->phase == hr::SagaPhase::compensated, "saga 2 is compensated");
  check(shop.order(1)->state == Order::State::confirmed, "order 1 is confirmed");
  check(shop.order(2)->state == Order::State::cancelled, "order 2 is cancelled");
  check(shop.books_in_stock() == 100 - kGood.books, "the books of order 2 are back");
  check(bank.cents_taken() == kGood.cents, "money was taken for order 1 only");
  const auto trail = hr::trace(shop.store(), poor, {.dead_letters = letters->get()});
  if (trail) std::printf("%s", to_text(*trail).c_str());
  check(trail && trail->roots.size() == 1, "order 2 has one trail");
}

}  // namespace

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "orders-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  try {
    choreography(std::filesystem::path(folder) / "choreography.db");
    orchestration(std::filesystem::path(folder) / "orchestration.db");
  } catch (const std::exception& error) {
    check(false, error.what());
  }
  std::filesystem::remove_all(folder);
  return faults == 0 ? 0 : 1;
}
