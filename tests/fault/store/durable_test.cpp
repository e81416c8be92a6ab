#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "headrace/bus/durable_topics.hpp"
#include "headrace/event/event_fields.hpp"
#include "line_codec.hpp"
#include "temporary_folder.hpp"
#include "writing_child.hpp"

namespace headrace::test {
namespace {

constexpr std::chrono::hours kLedgerWait{1};
constexpr std::uint64_t kAccounts = 3;

struct Posted {
  std::uint64_t account = 0;
  std::int64_t number = 0;
};
HEADRACE_EVENT(Posted, "ledger.posted", key(account), account, number)

std::string ledger_line(std::uint64_t account, std::int64_t number) {
  return std::to_string(account) + " " + std::to_string(number) + "\n";
}

/// A program with a durable topic, on two workers. Its handler writes to a file what it has handled, and wants every
/// seventh event a second time.
class Ledger {
 public:
  explicit Ledger(const TemporaryFolder& folder)
      : store_(open(folder)),
        handled_(::open((folder / "handled").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
        bus_({.workers = 2}),
        durable_(bus_, *store_, store_->checkpoints(), types(),
                 {.name = "ledger", .out_max = 64, .save_events = 16}),
        topic_(durable_.topic<Posted>()),
        handler_(bus_.subscribe<Posted>({.placement = Placement::sharded, .ordered = true, .retry = immediate(2)},
                                        [this](const Posted& posted, Context& context) -> Outcome {
                                          if (posted.number % 7 == 0 && context.attempt() == 1)
                                            return Outcome::retry();
                                          const std::string text = ledger_line(posted.account, posted.number);
                                          const bool written = ::write(handled_, text.data(), text.size()) ==
                                                               static_cast<ssize_t>(text.size());
                                          return written ? Outcome::done() : Outcome::retry();
                                        })) {
    bus_.start();
    durable_.start();
  }
  ~Ledger() {
    static_cast<void>(durable_.stop(kLedgerWait).has_value());
    static_cast<void>(bus_.stop(kLedgerWait));
    ::close(handled_);
  }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// Numbers go on where the store's events of the account end: the stream is read for that.
  void post_for_ever(int pipe) {
    std::vector<std::int64_t> next(kAccounts, 1);
    for (const auto& event : read_all(*store_)) ++next[std::stoull(event.event.envelope.key)];
    std::vector<std::thread> threads;
    for (std::uint64_t account = 0; account < kAccounts; ++account) {
      threads.emplace_back([&, account] {
        for (std::int64_t number = next[account];; ++number) {
          const EventId id = EventId::make();
          if (!topic_.publish({account, number}, {.id = id})) ::_exit(2);
          say(pipe, {static_cast<std::uint32_t>(account), static_cast<std::uint32_t>(number), id});
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  [[nodiscard]] bool catches_up() { return durable_.wait_for(*store_->last_position(), kLedgerWait); }

 private:
  static std::unique_ptr<SqliteEventStore> open(const TemporaryFolder& folder) {
    auto store = SqliteEventStore::open(
        {.file = folder / "ledger.db", .durability = SqliteDurability::memory, .wal_pages = 20});
    HEADRACE_CHECK("test.open", store.has_value(), "the ledger does not open");
    return std::move(store).value();
  }
  static std::shared_ptr<EventTypes> types() {
    auto types = std::make_shared<EventTypes>(std::make_shared<LineCodec>());
    types->add<Posted>();
    return types;
  }

  std::unique_ptr<SqliteEventStore> store_;
  int handled_;
  Bus bus_;
  DurableTopics durable_;
  DurableTopic<Posted> topic_;
  Subscription handler_;
};

/// What is wrong with what was handled: every number of an account must come for the first time behind the one
/// before it, and all that were acknowledged must be there. Empty: nothing is.
std::string ledger_fault(const TemporaryFolder& folder, const std::vector<std::int64_t>& acknowledged) {
  std::ifstream handled(folder / "handled");
  std::map<std::uint64_t, std::int64_t> highest;
  std::uint64_t account = 0;
  for (std::int64_t number = 0; handled >> account >> number;) {
    std::int64_t& last = highest[account];
    if (number > last + 1)
      return "account " + std::to_string(account) + ": " + std::to_string(number) + " came before its turn";
    last = std::max(last, number);
  }
  for (std::uint64_t of = 0; of < kAccounts; ++of) {
    if (highest[of] < acknowledged[of])
      return "acknowledged and not handled: " + ledger_line(of, acknowledged[of]);
  }
  return {};
}

// Claim:  whenever the process is killed, every event that was acknowledged is handled in the end, each account's
//         in order, some perhaps again: also those that lay in lanes or waited for their next try.
// Method: kill -9 after a random number of acknowledgements, on one file; HEADRACE_KILLS says how often, 25 without.
TEST(StoreKilled, DurableTopicsHandleAllThatTheyAcknowledged) {
  const TemporaryFolder folder;
  std::mt19937_64 random(11);
  std::vector<std::int64_t> acknowledged(kAccounts);
  for (std::uint64_t kill = from_environment("HEADRACE_KILLS", 25); kill > 0; --kill) {
    WritingChild child([&](int pipe) { Ledger(folder).post_for_ever(pipe); });
    child.wait_for(1 + random() % 300);
    const auto said = child.kill();
    ASSERT_FALSE(said.empty());
    for (const Acknowledged& one : said)
      acknowledged[one.writer] = std::max<std::int64_t>(acknowledged[one.writer], one.number);
  }
  {
    Ledger ledger(folder);
    EXPECT_TRUE(ledger.catches_up());
  }
  EXPECT_EQ(ledger_fault(folder, acknowledged), "");
  EXPECT_TRUE(faults_of(folder / "ledger.db", 0, {}).empty());
}

}  // namespace
}  // namespace headrace::test
