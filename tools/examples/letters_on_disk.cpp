// Dead letters that outlive the process: what is given up goes to memory first and spills into a file; the next
// run of the program mends an event that could not be handled, and redrives it.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "headrace/delivery/dead_letter_service.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/delivery/spilling_dead_letter_store.hpp"
#include "headrace/headrace.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/wire/codecs.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct Invoice {
  std::uint64_t number;
  std::string currency;
};
HEADRACE_EVENT(Invoice, "invoices.issued", key(number), number, currency)

/// One run of the program: `work(bus, booked)`. What is given up into the file is encoded by `types`.
template <class Work>
bool run(const std::string& path, std::size_t in_memory, Work work) {
  auto types = std::make_shared<hr::EventTypes>(std::make_shared<hr::wire::JsonCodec>());
  types->add<Invoice>();

  auto file = hr::SqliteEventStore::open({.file = path});
  if (!file) return false;
  auto on_disk = (*file)->dead_letters();
  if (!on_disk) return false;
  auto letters = std::make_shared<hr::SpillingDeadLetterStore>(
      std::make_shared<hr::MemoryDeadLetterStore>(hr::MemoryDeadLetterOptions{.letters_max = in_memory}),
      std::shared_ptr<hr::DeadLetterStore>(std::move(*on_disk)));

  const auto warn = [](const hr::SlowHandler& slow) {
    std::printf("%s hangs with event %s\n", slow.subscription.c_str(), slow.key.c_str());
  };
  hr::Bus bus{{.workers = 1}, {.dead_letters = letters, .event_types = types, .on_slow_handler = warn}};
  std::string booked;
  const hr::SubscribeOptions booking{.name = "booking", .handler_limit = 30s};
  auto subscription = bus.subscribe<Invoice>(booking, [&](const Invoice& invoice) -> hr::Outcome {
    if (invoice.currency.empty()) return hr::dead_letter("in which currency?");
    booked += std::to_string(invoice.number) + " in " + invoice.currency + "\n";
    return hr::done();
  });
  bus.start();
  // So that `headrace dlq redrive FILE` reaches this bus while it runs.
  hr::DeadLetterService service(bus.dead_letters(), (*file)->dead_letter_requests(),
                                {.letter_id = &hr::SpillingDeadLetterStore::id_of_spilled});
  const bool well = work(bus);
  return bus.stop(5s).drained && well && booked == (in_memory == 0 ? "" : "1 in EUR\n");
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "letters-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  const std::string path = folder + "/letters.db";

  const bool given_up = run(path, 0, [](hr::Bus& bus) { return bool(bus.publish(Invoice{1, ""})); });

  const bool mended = run(path, 1000, [](hr::Bus& bus) {
    hr::DeadLetters dead = bus.dead_letters();
    const auto listed = dead.list();
    if (!listed || listed->size() != 1) return false;
    const auto edit = [](hr::FieldValue& fields) -> hr::Status {
      fields.set("currency", "EUR");
      return hr::Nothing{};
    };
    auto redrive = dead.redrive_edited(listed->front().id, edit);
    while (!redrive->report().finished) std::this_thread::yield();
    std::printf("%s", redrive->report().why_skipped.c_str());
    return redrive->report().handled == 1 && dead.list()->empty();
  });
  std::filesystem::remove_all(folder);
  std::printf("given up: %d, mended: %d\n", given_up, mended);
  return given_up && mended ? 0 : 1;
}
