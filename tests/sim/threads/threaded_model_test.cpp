#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "faulty_store.hpp"
#include "gate.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/route/shards.hpp"
#include "headrace/simulation/seeds.hpp"
#include "model_redrive.hpp"
#include "model_worker.hpp"
#include "settle.hpp"

namespace headrace::sim {
namespace {

using test::Tick;

struct ForGood : std::logic_error {
  using std::logic_error::logic_error;
};

/// What a publisher's thread publishes, in this order. Keys are its own: what becomes of a key's events then does
/// not depend on which thread is quicker.
struct Published {
  Tick event;
  std::uint64_t id;  ///< 0: none
  bool bare;         ///< without meta
};
using Lane = std::vector<Published>;

std::vector<Lane> lanes_of(const Plan& plan, SeededRandom& random) {
  std::vector<Lane> lanes(random.between(1, 3));
  for (std::uint64_t p = 0; p < lanes.size(); ++p) {
    const std::uint64_t keys = random.between(1, 8);
    const std::uint64_t events = random.between(1, 60);
    for (std::uint64_t i = 0; i < events; ++i) {
      const std::uint64_t value = p * 1000 + i;
      const bool bare = random.hits(500);
      lanes[p].push_back({{p * 100 + random.below(keys), value}, bare ? 0 : value + 1, bare});
      if (!bare && plan.deduplicated && random.hits(200)) lanes[p].push_back(lanes[p].back());
    }
  }
  return lanes;
}

/// What can be said of a run whatever the threads did.
struct Account {
  std::map<std::uint64_t, std::vector<Try>> tries;  ///< by key where it is ordered, else by event; in order
  std::vector<std::string> letters;                 ///< as a set: sorted
  Ledger ledger;
  std::uint64_t redriven = 0, returned = 0;

  void add(const Plan& plan, std::span<const Try> of, const std::map<std::uint64_t, std::uint64_t>& key_of) {
    for (const Try& one : of) tries[plan.ordered ? key_of.at(one.value) : one.value].push_back(one);
  }
  void add_letter(std::uint64_t value, FailureClass failure, std::uint64_t attempts, bool parks) {
    std::ostringstream text;
    text << value << ' ' << to_string(failure) << ' ' << attempts << (parks ? " parks" : "");
    letters.push_back(text.str());
  }
  [[nodiscard]] std::string differs(const Account& expected) const {
    std::ostringstream out;
    if (!(ledger == expected.ledger))
      out << "the ledger is " << ledger << ", expected " << expected.ledger << '\n';
    if (redriven != expected.redriven || returned != expected.returned) {
      out << "redriven " << redriven << ", returned " << returned << "; expected " << expected.redriven << ", "
          << expected.returned << '\n';
    }
    for (const auto& [which, those] : expected.tries) {
      const auto mine = tries.find(which);
      if (mine != tries.end() && mine->second == those) continue;
      out << (mine == tries.end() ? "nothing was tried of " : "the tries differ of ") << which << ": expected";
      for (const Try& one : those) out << ' ' << one.value << '#' << one.attempt;
      out << ", were";
      if (mine != tries.end()) {
        for (const Try& one : mine->second) out << ' ' << one.value << '#' << one.attempt;
      }
      out << '\n';
    }
    if (tries.size() != expected.tries.size()) out << "the numbers of what was tried differ\n";
    if (letters != expected.letters) {
      out << "the letters are";
      for (const auto& letter : letters) out << " (" << letter << ')';
      out << ", expected";
      for (const auto& letter : expected.letters) out << " (" << letter << ')';
      out << '\n';
    }
    return out.str();
  }
};

std::map<std::uint64_t, std::uint64_t> keys_of(const std::vector<Lane>& lanes) {
  std::map<std::uint64_t, std::uint64_t> keys;
  for (const Lane& lane : lanes) {
    for (const Published& published : lane) keys[published.event.value] = published.event.key;
  }
  return keys;
}

// --- The model: time goes on when nothing is left to do ------------------------------------------------------

Account predict(const Plan& plan, unsigned workers, const std::vector<Lane>& lanes) {
  ModelWorld world{plan};
  world.posted.resize(workers);
  std::deque<ModelWorker> models;
  for (unsigned worker = 0; worker < workers; ++worker) models.push_back({world, worker, JitterRandom(worker)});
  std::vector<std::vector<ModelWorker::Run>> runs(workers);
  for (std::uint64_t p = 0; p < lanes.size(); ++p) {
    for (const Published& published : lanes[p]) {
      const std::uint64_t key = event_key_hash(published.event);
      const unsigned worker = plan.sharded ? shard_of(key, workers) : 0;
      models[worker].lanes[p].push_back({.value = published.event.value, .key = key, .id = published.id});
      runs[worker].push_back({p, 1});
      ++world.ledger.published;
    }
  }
  const auto run_until_quiet = [&] {
    for (bool quiet = false; !quiet;) {
      quiet = true;
      for (unsigned worker = 0; worker < workers; ++worker) {
        ModelWorker& model = models[worker];
        model.now_ns += 1'000'000;
        model.wall_ns += 1'000'000;
        model.poll(std::exchange(runs[worker], {}));
        quiet = quiet && model.timers.empty() && model.freed.empty();
      }
      for (const auto& posted : world.posted) quiet = quiet && posted.empty();
    }
  };
  run_until_quiet();
  Account account;
  if (plan.has_store) {
    world.phase = 1;
    world.runs.push_back({world, 0, [](const ModelLetter&) { return true; }});
    world.posted[0].push_back([&](ModelWorker& first) { world.runs[0].step(first); });
    run_until_quiet();
    account.redriven = world.runs[0].handled;
    account.returned = world.runs[0].returned;
  }
  account.add(plan, world.settled, keys_of(lanes));
  for (const ModelLetter& letter : world.store.letters) {
    account.add_letter(letter.event.value, letter.failure, letter.attempts, letter.parks);
  }
  std::sort(account.letters.begin(), account.letters.end());
  account.ledger = world.ledger;
  return account;
}

// --- The bus on threads --------------------------------------------------------------------------------------

class Threads {
 public:
  Threads(const Plan& plan, unsigned workers)
      : plan_(plan),
        store_(plan.has_store ? std::make_shared<FaultyStore>(plan, [] { return ~std::uint64_t{0}; }) : nullptr),
        bus_({.workers = workers, .lane_bytes = 4096, .publishers_max = 4, .topics_max = 16},
             {.dead_letters = store_, .timers_max = 512, .tick = std::chrono::microseconds(100), .seed = 1}),
        tries_(workers) {}

  Account run(const std::vector<Lane>& lanes) {
    const Subscription subject = subscribe();
    bus_.start();
    {
      std::vector<std::jthread> publishers;
      for (const Lane& lane : lanes) {
        publishers.emplace_back([this, &lane] { publish(lane); });
      }
    }
    test::settle(bus_);
    Account account;
    if (store_ != nullptr) {
      phase_.store(1);
      const auto run = bus_.dead_letters().redrive(DeadLetterFilter{});
      test::yield_until([&] { return run->report().finished; });
      account.redriven = run->report().handled;
      account.returned = run->report().returned;
    }
    account.ledger = test::stop_drained(bus_);
    const auto key_of = keys_of(lanes);
    for (const auto& of_worker : tries_) account.add(plan_, of_worker, key_of);
    if (store_ == nullptr) return account;
    const auto listed = store_->list({}, 10'000);
    for (const DeadLetter& letter : *listed) {
      account.add_letter(FaultyStore::value_of(letter), letter.failure, letter.attempts_made, letter.parks_key);
    }
    std::sort(account.letters.begin(), account.letters.end());
    return account;
  }

 private:
  void publish(const Lane& lane) {
    Publisher publisher = bus_.publisher();
    for (const auto& [event, id, bare] : lane) {
      const PublishResult result =
          bare ? publisher.publish(event) : publisher.publish(event, {.id = EventId::of(1, 0, id << 8)});
      EXPECT_EQ(result.status(), PublishStatus::published);
    }
  }

  Subscription subscribe() {
    SubscribeOptions how{.name = "subject",
                         .placement = plan_.sharded ? Placement::sharded : Placement::pinned,
                         .worker = plan_.sharded ? -1 : 0,
                         .ordered = plan_.ordered,
                         .retry = plan_.retry,
                         .exceptions = ExceptionPolicy{}.on<ForGood>(OnException::dead_letter),
                         .waiting = plan_.waiting,
                         .park_key = plan_.park_key};
    how.breaker = plan_.breaker;
    if (plan_.deduplicated) how.deduplicated = Deduplicated{.window = {.events_max = 1024}};
    if (plan_.in_batches) {
      return bus_.subscribe<Tick>(
          how, [this](std::span<const Tick> events, Context& context) { return handle_all(events, context); });
    }
    return bus_.subscribe<Tick>(how, [this](const Tick& event, Context& context) {
      tries_[context.worker()].push_back({event.value, context.attempt()});
      return outcome_of(deed_of(event, context));
    });
  }
  BatchOutcome handle_all(std::span<const Tick> events, const Context& context) {
    auto& tries = tries_[context.worker()];
    for (std::uint32_t i = 0; i < events.size(); ++i) {
      const Deed deed = deed_of(events[i], context);
      tries.push_back({events[i].value, context.attempt()});
      if (deed.kind == Deed::Kind::done) continue;
      if (plan_.names_one(events[i].value, deed)) return BatchOutcome::up_to(i, outcome_of(deed));
      if (events.size() > 1) tries.resize(tries.size() - i - 1);  // nothing is settled: they come again
      return outcome_of(deed);
    }
    return done();
  }
  Deed deed_of(const Tick& event, const Context& context) const {
    return plan_.deed(event.value, Plan::nth(context.attempt(), phase_.load()));
  }
  static Outcome outcome_of(const Deed& deed) {
    using Kind = Deed::Kind;
    switch (deed.kind) {
      case Kind::done:
        return done();
      case Kind::retry:
        return retry("again");
      case Kind::retry_after:
        return retry_after(deed.delay / 8, "later");
      case Kind::retry_at:
        return retry_at(TimeSource().wall_time() + deed.delay / 8, "then");
      case Kind::dead_letter:
        return dead_letter("no");
      case Kind::park:
        return park("wait");
      case Kind::throws:
        throw std::runtime_error("broken");
      case Kind::throws_for_good:
        throw ForGood("broken for good");
    }
    return done();
  }

  const Plan& plan_;
  const std::shared_ptr<FaultyStore> store_;
  Bus bus_;
  std::atomic<std::uint64_t> phase_{0};
  std::vector<std::vector<Try>> tries_;  ///< by worker
};

// Claim:  on threads the bus does what the model says in everything that does not depend on who is quicker: which
//         tries each event has and how they end, the order of each key's tries where that is `ordered`, the dead
//         letters, what a redrive makes of them, and the ledger.
// Method: random subscriptions and workloads by seed; the model runs on one thread and virtual time.
TEST(ThreadedModel, AgreesWithTheModel) {
  EXPECT_EQ(for_each_seed(HEADRACE_SIM_SEEDS_DEFAULT,
                          [](std::uint64_t seed) {
                            SeededRandom random(seed);
                            const Plan plan = Plan::for_threads(seed, random);
                            const auto workers = static_cast<unsigned>(random.between(1, 3));
                            const std::vector<Lane> lanes = lanes_of(plan, random);
                            const std::string wrong =
                                Threads(plan, workers).run(lanes).differs(predict(plan, workers, lanes));
                            return wrong.empty() ? wrong
                                                 : wrong + "workers " + std::to_string(workers) + plan.about();
                          }),
            "");
}

}  // namespace
}  // namespace headrace::sim
