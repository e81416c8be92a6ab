#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "file_broker.hpp"
#include "headrace/bus/outbox.hpp"
#include "headrace/sourcing/projection.hpp"
#include "temporary_folder.hpp"
#include "writing_child.hpp"

namespace headrace::test {
namespace {

constexpr std::chrono::hours kLong{1};

/// A shop whose orders and events are one transaction, with an outbox to a broker, a relay of the program's own to
/// another (a file of positions) and a read model beside.
class Shop {
 public:
  explicit Shop(const TemporaryFolder& folder)
      : store_(open(folder)),
        broker_(::open((folder / "broker").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
        relay_(*store_, {.name = "relay"}, checkpoint_after(store_->checkpoints(), "relay", publish())),
        seen_(*store_, {.name = "seen"}, store_->read_model("seen", count())),
        outbox_broker_(folder / "outbox"),
        outbox_(*store_, store_->checkpoints(), outbox_broker_, write_id, {.name = "outbox", .save_events = 4}) {
    outbox_.start();
  }
  ~Shop() { ::close(broker_); }
  Shop(const Shop&) = delete;
  Shop& operator=(const Shop&) = delete;

  [[nodiscard]] StreamVersion orders() { return store_->stream("orders")->version; }

  [[nodiscard]] Status order(const EncodedEvent& placed) {
    return store_->transact([&](SqliteTransaction& transaction) -> Status {
      if (auto row = transaction.run("INSERT INTO orders DEFAULT VALUES"); !row) return row.error();
      const auto receipt = transaction.append(AppendRequest::to("orders", ExpectedVersion::any(), {placed}));
      return receipt ? Status{Nothing{}} : Status{receipt.error()};
    });
  }

  /// Empty when all is well, once relay and read model have caught up.
  [[nodiscard]] std::string fault(const TemporaryFolder& folder) {
    const auto last = *store_->last_position();
    outbox_broker_.send_all();
    if (!relay_.wait_for(last, kLong)) return relay_.status().error->message();
    if (!seen_.wait_for(last, kLong)) return seen_.status().error->message();
    if (!outbox_.wait_for(last, kLong)) return outbox_.status().error->message();
    std::vector<EventPosition> stored;
    std::vector<std::string> ids;
    for (const auto& event : read_all(*store_)) {
      stored.push_back(event.position);
      ids.push_back(event.event.envelope.id.to_string());
    }
    if (FileBroker::first_copies(folder / "outbox") != ids) {
      return "the outbox did not send every event, once each but for repetitions, in order";
    }
    std::vector<EventPosition> published;
    std::set<EventPosition> known;
    std::ifstream broker(folder / "broker");
    for (EventPosition position = 0; broker >> position;) {
      if (known.insert(position).second) published.push_back(position);
    }
    if (published != stored) return "the broker did not get every event, once each but for repetitions, in order";
    std::string wrong;
    const Status looked = store_->transact([&](SqliteTransaction& transaction) -> Status {
      const auto counts = transaction.query(
          "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM seen), "
          "(SELECT sum(times) FROM seen), (SELECT count(*) FROM events)");
      if (!counts) return counts.error();
      const SqlRow& row = counts->at(0);
      if (row[0] != row[3]) wrong = "orders without events, or events without orders";
      if (row[1] != row[3] || row[2] != row[3]) wrong = "the read model is not what a replay from zero gives";
      return Nothing{};
    });
    return looked ? wrong : looked.error().message();
  }

 private:
  static std::unique_ptr<SqliteEventStore> open(const TemporaryFolder& folder) {
    auto store = SqliteEventStore::open(
        {.file = folder / "shop.db", .durability = SqliteDurability::memory, .wal_pages = 20});
    HEADRACE_CHECK("test.open", store.has_value(), "the shop does not open");
    const Status made = (*store)->transact([](SqliteTransaction& transaction) -> Status {
      for (const char* sql : {"CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY)",
                              "CREATE TABLE IF NOT EXISTS seen (position INTEGER PRIMARY KEY, times INTEGER)"}) {
        if (auto table = transaction.run(sql); !table) return table.error();
      }
      return Nothing{};
    });
    HEADRACE_CHECK("test.open", made.has_value(), "the shop has no tables");
    return std::move(store).value();
  }
  StoredEventHandler publish() const {
    return [this](const StoredEvent& event) -> Status {
      const std::string line = std::to_string(event.position) + "\n";
      if (::write(broker_, line.data(), line.size()) == static_cast<ssize_t>(line.size())) return Nothing{};
      return Error{"the broker takes nothing", {}};
    };
  }
  static SqliteEventStore::TransactionHandler count() {
    return [](SqliteTransaction& transaction, const StoredEvent& event) -> Status {
      const auto done =
          transaction.run("INSERT INTO seen VALUES (?1, 1) ON CONFLICT (position) DO UPDATE SET times = times + 1",
                          {static_cast<std::int64_t>(event.position)});
      return done ? Status{Nothing{}} : Status{done.error()};
    };
  }

  std::unique_ptr<SqliteEventStore> store_;
  int broker_;
  Projection relay_, seen_;
  FileBroker outbox_broker_;
  Outbox outbox_;
};

// Claim:  whenever the process is killed: an order and its event are there together; both brokers get every event,
//         in order, some perhaps again; the read model has each event's effect once.
// Method: kill -9 after a random number of orders, on one file; HEADRACE_KILLS says how often, 25 without.
TEST(StoreKilled, OutboxAndProjectionsEndAsIfNothingHadHappened) {
  const TemporaryFolder folder;
  std::mt19937_64 random(7);
  for (std::uint64_t kill = from_environment("HEADRACE_KILLS", 25); kill > 0; --kill) {
    WritingChild child([&](int pipe) {
      Shop shop(folder);
      for (auto number = static_cast<std::uint32_t>(shop.orders());;) {
        const EncodedEvent placed = event_of("order.placed", "x");
        if (!shop.order(placed)) ::_exit(2);
        say(pipe, {0, ++number, placed.envelope.id});
      }
    });
    child.wait_for(1 + random() % 200);
    ASSERT_FALSE(child.kill().empty());
  }
  Shop shop(folder);
  EXPECT_EQ(shop.fault(folder), "");
  EXPECT_GT(shop.orders(), 0U);
}

}  // namespace
}  // namespace headrace::test
