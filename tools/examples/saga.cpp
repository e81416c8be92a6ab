// A saga: an order that reserves stock, takes the money and ships, and undoes what it did when one of them fails.
// docs/guide/07-sagas.md walks through it.

#include <headrace/process/saga_runner.hpp>
#include <headrace/sqlite/event_store.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <utility>

namespace hr = headrace;
using namespace std::chrono_literals;

// What the steps talk to. Each call has a key, and a call under a key that is known already changes nothing.
struct Warehouse {
  hr::StepAnswer reserve(const hr::StepCall& call) {
    std::printf("%s: reserved %s\n", call.key().c_str(), call.input().c_str());
    return hr::StepAnswer::done("shelf 4");
  }
  hr::StepAnswer release(const hr::StepCall& call) {
    std::printf("%s: back to %s\n", call.key().c_str(), std::string(call.result("reserve")).c_str());
    return hr::StepAnswer::done();
  }
};

hr::StepAnswer charge(const hr::StepCall& call) {
  if (call.input() == "a piano") return hr::StepAnswer::refuse("the card has not enough money");
  if (call.attempt() == 1) return hr::StepAnswer::retry("the bank does not answer");
  std::printf("%s: paid at attempt %u\n", call.key().c_str(), call.attempt());
  return hr::StepAnswer::done();
}

hr::StepAnswer refund(const hr::StepCall&) { return hr::StepAnswer::done(); }

// The carrier answers some day, from wherever: a handler, a web hook, another thread.
struct Carrier {
  std::promise<std::string> asked;

  hr::StepAnswer ask(const hr::StepCall& call) {
    asked.set_value(call.key());
    return hr::StepAnswer::wait();
  }
};

hr::Saga order_saga(Warehouse& warehouse, Carrier& carrier) {
  hr::Saga saga;
  saga.name = "order";
  saga.steps = {
      {.name = "reserve",
       .action = [&](const hr::StepCall& call) { return warehouse.reserve(call); },
       .compensation = [&](const hr::StepCall& call) { return warehouse.release(call); }},
      {.name = "charge",
       .action = charge,
       .compensation = refund,
       .deadline = 5min,
       .retry = hr::exponential(10ms, 2.0, 5).jitter()},
      {.name = "ship", .action = [&](const hr::StepCall& call) { return carrier.ask(call); }, .deadline = 48h},
  };
  return saga;
}

int run(const std::filesystem::path& file) {
  Warehouse warehouse;
  Carrier carrier;
  auto store = hr::SqliteEventStore::open({.file = file});
  if (!store) return 1;
  auto letters = (*store)->dead_letters();
  if (!letters) return 1;
  auto opened = hr::SagaRunner::open(**store, **letters, order_saga(warehouse, carrier));
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message().c_str());
    return 1;
  }
  hr::SagaRunner& orders = **opened;

  for (const auto& [id, input] : {std::pair{"7", "two books"}, std::pair{"8", "a piano"}}) {
    if (!orders.start(id, input)) return 1;
  }
  if (*orders.start("7", "two books") != hr::SagaRunner::Started::was_there) return 1;

  const auto piano = orders.wait_for("8", 1min);
  if (!piano) return 1;
  std::printf("order 8 is %s: %s\n", std::string(to_string(piano->phase)).c_str(), piano->reason.c_str());

  const std::string key = carrier.asked.get_future().get();
  if (*orders.answer(key, hr::StepAnswer::done("parcel 99")) != hr::SagaRunner::Answered::taken) return 1;
  const auto books = orders.wait_for("7", 1min);
  if (!books) return 1;
  std::printf("order 7 is %s\n", std::string(to_string(books->phase)).c_str());
  return books->phase == hr::SagaPhase::completed && piano->phase == hr::SagaPhase::compensated ? 0 : 1;
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "sagas-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  const int code = run(std::filesystem::path(folder) / "orders.db");
  std::filesystem::remove_all(folder);
  return code;
}
