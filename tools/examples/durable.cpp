// Durable topics: a program that is killed between a publish and its handlers goes on where it was, in its next run.
// docs/guide/05-event-sourcing.md walks through it.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "headrace/bus/durable_topics.hpp"
#include "headrace/headrace.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/wire/codecs.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct Interest {
  std::uint64_t account;
  std::int64_t cents;
};
HEADRACE_EVENT(Interest, "interest.due", key(account), account, cents)

/// One run of the program: what its handler has paid, in cents. While the bank is closed nothing is paid.
std::int64_t run(const std::string& file, bool bank_is_open, int publishes) {
  auto opened = hr::SqliteEventStore::open({.file = file});
  if (!opened) return -1;
  hr::SqliteEventStore& store = **opened;
  hr::Bus bus{{.workers = 1}};

  auto types = std::make_shared<hr::EventTypes>(std::make_shared<hr::wire::JsonCodec>());
  types->add<Interest>();
  hr::DurableTopics durable(bus, store, store.checkpoints(), types, {.name = "interest"});
  const auto interest = durable.topic<Interest>();

  std::int64_t paid = 0;
  auto bank = bus.subscribe<Interest>({.ordered = true, .retry = hr::fixed(10ms)}, [&](const Interest& due) {
    if (!bank_is_open) return hr::retry();
    paid += due.cents;
    return hr::done();
  });
  bus.start();
  durable.start();

  hr::EventPosition last = *store.last_position();
  for (int i = 0; i < publishes; ++i) {
    const auto position = interest.publish({7, 25});
    if (!position) return -1;
    last = *position;
  }
  // With the bank closed this ends as by a crash: nothing is waited for, and what waits for its next try is gone.
  if (bank_is_open && !durable.wait_for(last, 10s)) return -1;
  return durable.stop(0ms) && bus.stop(5s).stuck.empty() ? paid : -1;
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "durable-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  const std::int64_t closed = run(folder + "/events.db", false, 3);
  const std::int64_t open = run(folder + "/events.db", true, 1);
  const std::int64_t again = run(folder + "/events.db", true, 0);
  std::filesystem::remove_all(folder);
  std::printf("paid while the bank was closed: %d, afterwards: %d, then: %d\n", static_cast<int>(closed),
              static_cast<int>(open), static_cast<int>(again));
  return closed == 0 && open == 100 && again == 0 ? 0 : 1;
}
