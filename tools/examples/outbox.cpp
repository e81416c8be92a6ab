// The outbox: a change to the program's own tables and the event that tells of it are one transaction; the event then
// reaches a broker, and the program behind it. What is too large to travel stays behind, and a reference goes in its
// place. The broker is inside this process; RabbitMQ, MQTT, Redis and Service Bus take the same lines.
// docs/guide/05-event-sourcing.md walks through it.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "headrace/bus/inbound_events.hpp"
#include "headrace/bus/outbox.hpp"
#include "headrace/delivery/file_blob_store.hpp"
#include "headrace/headrace.hpp"
#include "headrace/memory/memory_sink.hpp"
#include "headrace/memory/memory_source.hpp"
#include "headrace/port/claim_check.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/sqlite/retention.hpp"
#include "headrace/wire/cloud_events.hpp"
#include "headrace/wire/codecs.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct OrderPlaced {
  std::uint64_t order = 0;
  std::string drawing;  ///< what is to be made: short, or very long
};
HEADRACE_EVENT(OrderPlaced, "orders.placed", key(order), order, drawing)

/// The order in the shop's own table, and the event, or neither.
bool place(hr::SqliteEventStore& store, const hr::EventTypes& types, const OrderPlaced& order) {
  const auto done = store.transact([&](hr::SqliteTransaction& transaction) -> hr::Status {
    const auto number = static_cast<std::int64_t>(order.order);
    if (auto row = transaction.run("INSERT INTO orders VALUES (?1)", {number}); !row) return row.error();
    auto event = types.encode(order);
    if (!event) return event.error();
    const std::string stream = "order-" + std::to_string(order.order);
    auto appended = transaction.append(hr::AppendRequest::to(stream, hr::ExpectedVersion::none(), {*event}));
    return appended ? hr::Status(hr::Nothing{}) : hr::Status(appended.error());
  });
  return done.has_value();
}

int run(const std::filesystem::path& folder) {
  const auto types = std::make_shared<hr::EventTypes>(std::make_shared<hr::wire::JsonCodec>());
  types->add<OrderPlaced>();
  const auto broker = std::make_shared<hr::memory::MemoryBroker>();
  hr::memory::MemorySink sink(broker, {});
  hr::memory::MemorySource source(broker, {.queue = "orders.placed"});

  auto opened = hr::SqliteEventStore::open({.file = folder / "shop.db"});
  if (!opened) return 1;
  hr::SqliteEventStore& store = **opened;
  const auto table = store.transact([](hr::SqliteTransaction& transaction) -> hr::Status {
    const auto made = transaction.run("CREATE TABLE orders (number INTEGER PRIMARY KEY)");
    return made ? hr::Status(hr::Nothing{}) : hr::Status(made.error());
  });
  if (!table) return 1;

  // As long as the program runs, once a minute: here it is all too young to go.
  hr::SqliteRetainer retainer(store, {.age_max = 30 * 24h, .bytes_max = 8ULL << 30, .streams = "order-*"});

  hr::wire::CloudEvents format({.binding = hr::wire::CloudEventsBinding::amqp, .source = "urn:shop:orders"});
  const auto write = [&](const hr::EncodedEvent& event) { return format.write(event); };
  const auto read = [&](const hr::Message& message) { return format.read_one(message); };

  // Large content stays in a folder that both sides reach.
  const std::string blobs = folder / "blobs";
  const hr::ClaimCheck claims(hr::FileBlobStore::open(blobs).value(), {.others = {.travels_max = 64 << 10}});

  hr::Bus bus{{.workers = 1}};
  std::atomic<std::uint64_t> made{0};
  std::atomic<std::uint64_t> bytes{0};
  auto workshop = bus.subscribe<OrderPlaced>({.name = "workshop", .deduplicated = hr::Deduplicated{}},
                                             [&](const OrderPlaced& order) {
                                               bytes += order.drawing.size();
                                               ++made;
                                               made.notify_all();
                                             });
  hr::InboundEvents inbound(bus, source, types, claims.after(read));
  inbound.topic<OrderPlaced>();
  hr::Outbox outbox(store, store.checkpoints(), sink, claims.before(write), {.name = "orders to the workshop"});

  bus.start();
  if (!sink.start() || !inbound.start()) return 1;
  outbox.start();

  if (!place(store, *types, {1, "a bracket"})) return 1;
  if (!place(store, *types, {2, std::string(200'000, 'x')})) return 1;
  if (place(store, *types, {1, "the same order again"})) return 1;  // neither a row nor an event

  // Confirmed by the broker, and handled behind it.
  if (!outbox.wait_for(*store.last_position(), 60s)) return 1;
  for (std::uint64_t seen = made; seen < 2; seen = made) made.wait(seen);
  if (inbound.stop(60s) != 0) return 1;
  const auto left = outbox.stop(60s);
  static_cast<void>(sink.stop(60s));
  static_cast<void>(bus.stop(60s));
  std::printf("made %llu orders of %llu bytes\n", static_cast<unsigned long long>(made.load()),
              static_cast<unsigned long long>(bytes.load()));

  // What the outbox has sent need not stay for ever: as if two days had passed.
  const auto kept = hr::retain(store, {.age_max = 24h}, std::chrono::system_clock::now() + 48h);
  if (!kept || retainer.account().error || retainer.account().all.events != 0) return 1;
  std::printf("%llu events were old enough to go\n", static_cast<unsigned long long>(kept->events));
  return left && *left == 0 && made == 2 && bytes == 200'009 && kept->events == 2 ? 0 : 1;
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "outbox-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  const int code = run(folder);
  std::filesystem::remove_all(folder);
  return code;
}
