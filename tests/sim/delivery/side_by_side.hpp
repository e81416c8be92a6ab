#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "events.hpp"
#include "faulty_store.hpp"
#include "headrace/route/shards.hpp"
#include "headrace/simulation/simulated_bus.hpp"
#include "letters_and_calls.hpp"
#include "model_redrive.hpp"
#include "model_stop.hpp"
#include "model_worker.hpp"

namespace headrace::sim {

using test::Tick;

struct GivenUp : std::logic_error {
  using std::logic_error::logic_error;
};

/// A simulated bus and its model, side by side: the model hears of every event that enters and of every turn of a
/// worker, and says what must have happened.
class SideBySide {
 public:
  explicit SideBySide(std::uint64_t seed)
      : random_(seed),
        plan_(Plan::of(seed, random_)),
        workers_(static_cast<unsigned>(random_.between(1, 3))),
        store_(plan_.has_store ? std::make_shared<FaultyStore>(plan_, [this] { return sim_.time().now_ns(); })
                               : nullptr),
        sim_(options(seed)) {
    world_.posted.resize(workers_);
    for (unsigned worker = 0; worker < workers_; ++worker) {
      models_.push_back({world_, worker, JitterRandom(kJitterSeed + worker)});
    }
    opened_.resize(workers_);
    rung_.resize(workers_);
    subscribe();
    sim_.on_step([this](const SimulatedStep& step) {
      if (step.kind == SimulatedStep::Kind::polled && wrong_.empty()) compare_turn(step);
    });
  }

  std::string run() {
    const std::uint64_t publishers = random_.between(1, 3);
    const std::uint64_t keys = random_.between(1, 8);
    const std::uint64_t spacing_us = random_.hits(500) ? 0 : random_.between(1, 3000);
    for (std::uint64_t p = 0; p < publishers; ++p) {
      SimulatedPublisher& publisher = sim_.publisher();
      const std::uint64_t events = random_.between(1, 40);
      for (std::uint64_t i = 0; i < events; ++i) {
        const std::uint64_t value = p * 1000 + i;
        const Tick event{random_.below(keys), value};
        const bool bare = random_.hits(300);
        const std::uint64_t id =
            stops_early_ || random_.hits(200) ? 0 : random_.below(2) * 1000 + random_.below(events) + 1;
        const std::chrono::nanoseconds ttl =
            !plan_.in_batches && random_.hits(300) ? std::chrono::microseconds(random_.between(1, 20'000)) : 0ns;
        publisher.call_after(std::chrono::microseconds(i * spacing_us), event_key_hash(event),
                             [=, this](Publisher& to) { return publish(p, to, event, bare, id, ttl); });
      }
    }
    for (std::uint32_t i = 0; i < plan_.operations; ++i) {
      sim_.after(std::chrono::microseconds(random_.below(400'000)), [this, keys] { operate(keys); });
    }
    if (stops_early_) {
      stop_early();
    } else {
      run_until_quiet();
      compare_end();
    }
    if (wrong_.empty()) return {};
    return wrong_ + "\nworkers " + std::to_string(workers_) + plan_.about();
  }
  [[nodiscard]] std::uint64_t trace() const { return sim_.trace(); }

 private:
  static constexpr std::uint64_t kJitterSeed = 77;
  static constexpr const char* kName = "subject";

  void subscribe() {
    const Placement placement = plan_.sharded ? Placement::sharded : Placement::pinned;
    SubscribeOptions how{.name = kName,
                         .placement = placement,
                         .worker = plan_.sharded ? -1 : 0,
                         .overflow = Overflow::fail(),
                         .ordered = plan_.ordered,
                         .retry = plan_.retry,
                         .exceptions = ExceptionPolicy{}.on<GivenUp>(OnException::dead_letter),
                         .waiting = plan_.waiting,
                         .when_expired = plan_.when_expired,
                         .park_key = plan_.park_key};
    how.retry_budget = plan_.budget;
    how.breaker = plan_.breaker;
    if (plan_.deduplicated) {
      how.deduplicated = Deduplicated{
          .window = {.events_max = 1024}, .by_key = plan_.by_key, .when_in_progress = plan_.when_in_progress};
    }
    if (!plan_.in_batches) {
      subject_.emplace(
          sim_.subscribe<Tick>(how, [this](const Tick& e, Context& context) { return handle(e, context); }));
      return;
    }
    subject_.emplace(sim_.subscribe<Tick>(
        how, [this](std::span<const Tick> events, Context& context) { return handle_all(events, context); }));
    // Which events come side by side is nobody's promise: a neighbour tells.
    witness_.emplace(sim_.bus().subscribe<Tick>(
        {.group = "witness", .placement = placement, .worker = how.worker, .overflow = Overflow::fail()},
        [this](std::span<const Tick> events) { runs_seen_.push_back(events.size()); }));
  }

  /// A store that refuses what it has no room for needs somebody who makes some.
  void run_until_quiet() {
    for (int i = 0; i < 1000; ++i) {
      sim_.advance(300ms);
      if (sim_.run_until_quiet(0ns)) return;
      if (store_ != nullptr) discard({}, [](const ModelLetter&) { return true; });
    }
    wrong("it does not become quiet");
  }

  /// The bus stops in the middle. Which letters a small store then drops hangs on the order of keys: nobody's promise.
  void stop_early() {
    sim_.advance(std::chrono::microseconds(random_.below(100'000)));
    static_cast<void>(sim_.bus().stop(0ns));
    for (ModelWorker& model : models_) {
      model.now_ns = sim_.time().now_ns();
      model.abandon();
    }
    compare_ledger();
    if (store_ == nullptr || plan_.letters_max < 65'536) return;
    const std::vector<ModelLetter> letters = in_keys(stored(), plan_.ordered);
    const std::vector<ModelLetter> expected = in_keys(world_.store.letters, plan_.ordered);
    if (letters != expected) wrong("the dead letters are " + text(letters) + ", expected " + text(expected));
  }

  // --- What an operator does -----------------------------------------------------------------------------------

  void operate(std::uint64_t keys) {
    const Tick of_key{random_.below(keys), 0};
    DeadLetterFilter filter;
    ModelStore::Means means = [](const ModelLetter&) { return true; };
    switch (random_.below(4)) {
      case 0:
        break;
      case 1:
        filter.key = event_key_text(of_key);
        means = [key = event_key_hash(of_key)](const ModelLetter& letter) { return letter.event.key == key; };
        break;
      case 2: {
        const auto failure = static_cast<FailureClass>(random_.between(1, 4));
        filter.failure = failure;
        means = [failure](const ModelLetter& letter) { return letter.failure == failure; };
        break;
      }
      default:
        filter.id = random_.between(1, 20);
        means = [id = *filter.id](const ModelLetter& letter) { return letter.number == id; };
    }
    if (random_.hits(200)) return discard(filter, std::move(means));
    ModelRedrive run{world_, world_.runs.size(), std::move(means)};
    if (filter.key && random_.hits(700)) {
      run.stops_at_failure = true;
      redrives_.push_back(sim_.bus().dead_letters().release_key(kName, *filter.key));
    } else {
      RedriveOptions options;
      if (random_.hits(200)) run.letters_max = options.letters_max = random_.between(1, 3);
      if (random_.hits(200)) {
        options.letters_per_second = 250;
        run.interval_ns = 4'000'000;
      }
      redrives_.push_back(sim_.bus().dead_letters().redrive(filter, options));
    }
    world_.runs.push_back(std::move(run));
    world_.posted[0].push_back(
        [this, index = world_.runs.size() - 1](ModelWorker& first) { world_.runs[index].step(first); });
  }
  void discard(const DeadLetterFilter& filter, const ModelStore::Means& means) {
    if (!sim_.bus().dead_letters().discard(filter)) wrong("letters cannot be discarded");
    world_.store.discard(means, sim_.time().wall_time().time_since_epoch().count());
    for (auto& posted : world_.posted) posted.push_back([](ModelWorker& worker) { worker.free_parked_keys(); });
  }

  SimulationOptions options(std::uint64_t seed) {
    const auto some = [&](std::uint32_t permille) { return random_.hits(500) ? permille : 0; };
    const std::uint32_t stall =
        stops_early_ ? 0 : some(100);  // a stalled worker's events would run unseen in stop()
    return {.seed = seed,
            .workers = workers_,
            .bus = {.lane_bytes = 4096, .publishers_max = 4, .topics_max = 16, .balanced_slots = 2},
            .delivery = {.dead_letters = store_,
                         .timers_max = 512,
                         .seed = kJitterSeed,
                         .on_breaker =
                             [this](const BreakerChange& change) {
                               if (!change.may_probe) breaker_changes_.push_back(change.state);
                             }},
            .faults = {.stall = stall,
                       .drop = some(50),
                       .duplicate = some(50),
                       .reorder = some(200),
                       .clock_jump = some(20)},
            .budget_max = static_cast<std::uint32_t>(random_.between(1, 20))};
  }

  PublishResult publish(std::uint64_t publisher, Publisher& to, Tick event, bool bare, std::uint64_t id,
                        std::chrono::nanoseconds ttl) {
    const PublishResult result =
        bare ? to.publish(event)
             : to.publish(event, {.id = id == 0 ? EventId{} : EventId::of(1, 0, id << 8), .expires_after = ttl});
    if (result.status() != PublishStatus::published) return result;
    ModelEvent entered{.value = event.value, .key = event_key_hash(event)};
    if (!bare) {
      entered.id = id != 0 ? id : 1'000'000 + ++ids_made_;
      if (ttl != 0ns) entered.expires_ns = sim_.time().now_ns() + static_cast<std::uint64_t>(ttl.count());
    }
    const unsigned worker = plan_.sharded ? shard_of(entered.key, workers_) : 0;
    models_[worker].lanes[publisher].push_back(entered);
    rung_[worker].insert(publisher);
    ++world_.ledger.published;
    return result;
  }

  // --- The handler ---------------------------------------------------------------------------------------------

  Deed look_at(const Tick& event, const Context& context, std::size_t span) {
    calls_.push_back({event.value, context.attempt(), sim_.time().now_ns(), span});
    const Deed deed = plan_.deed(event.value, ++tries_[event.value]);
    sim_.time().move_by(deed.takes);
    return deed;
  }
  Outcome outcome_of(const Deed& deed) {
    using Kind = Deed::Kind;
    switch (deed.kind) {
      case Kind::done:
        return done();
      case Kind::retry:
        return retry("again");
      case Kind::retry_after:
        return retry_after(deed.delay, "later");
      case Kind::retry_at:
        return retry_at(sim_.time().wall_time() + deed.delay, "then");
      case Kind::dead_letter:
        return dead_letter("no");
      case Kind::park:
        return park("wait");
      case Kind::throws:
        throw std::runtime_error("broken");
      case Kind::throws_for_good:
        throw GivenUp("broken for good");
    }
    return done();
  }
  Outcome handle(const Tick& event, const Context& context) { return outcome_of(look_at(event, context, 1)); }
  BatchOutcome handle_all(std::span<const Tick> events, const Context& context) {
    for (std::uint32_t i = 0; i < events.size(); ++i) {
      const Deed deed = look_at(events[i], context, i == 0 ? events.size() : 0);
      if (deed.kind == Deed::Kind::done) continue;
      if (plan_.names_one(events[i].value, deed)) return BatchOutcome::up_to(i, outcome_of(deed));
      return outcome_of(deed);
    }
    return done();
  }

  // --- The two side by side ------------------------------------------------------------------------------------

  void compare_turn(const SimulatedStep& step) {
    ModelWorker& model = models_[step.who];
    // A lane is looked at from the first event on, in the order in which lanes were first used.
    for (const std::uint64_t publisher : rung_[step.who]) {
      auto& opened = opened_[step.who];
      if (std::find(opened.begin(), opened.end(), publisher) == opened.end()) opened.push_back(publisher);
    }
    rung_[step.who].clear();
    std::vector<ModelWorker::Run> taken;
    auto run = runs_seen_.begin();
    for (const std::uint64_t publisher : opened_[step.who]) {
      const auto index = static_cast<std::uint32_t>(workers_ + publisher);
      const std::uint64_t left = sim_.bus().dispatcher().publisher_at(index)->lanes()[step.who]->left.value();
      std::uint64_t& before = left_[{step.who, publisher}];
      if (!plan_.in_batches) taken.push_back({publisher, left - before});
      while (plan_.in_batches && before < left) {
        taken.push_back({publisher, *run});
        before += *run++;
        // The witness's own: while in a lane an event counts once.
        world_.ledger.published += taken.back().second;
        world_.ledger.handled += taken.back().second;
      }
      before = left;
    }
    runs_seen_.clear();
    model.now_ns = step.begun_ns;
    const auto now = sim_.time().wall_time().time_since_epoch().count();
    model.wall_ns = now - static_cast<std::int64_t>(sim_.time().now_ns() - step.begun_ns);
    model.poll(taken);
    if (calls_ != world_.calls) wrong("calls differ: expected " + text(world_.calls) + ", were " + text(calls_));
    if (breaker_changes_ != world_.breaker_changes) wrong("the breaker opens or closes otherwise than expected");
    if (!world_.wrong.empty()) wrong(world_.wrong);
    calls_.clear();
    world_.calls.clear();
    compare_ledger();
  }

  void compare_ledger() {
    Ledger& expected = world_.ledger;
    expected.in_flight = 0;
    expected.letters_dropped = world_.store.dropped;
    for (const ModelWorker& model : models_) {
      for (const auto& [due, timer] : model.timers)
        expected.in_flight += timer.wakes == ModelWorker::Timer::Wakes::event;
      expected.in_flight += model.unsent.size();
      for (const auto& [key, events] : model.held) expected.in_flight += events.size();
      for (const auto& [publisher, events] : model.lanes) expected.in_flight += events.size();
    }
    const Ledger is = sim_.bus().dispatcher().ledger();
    if (!(is == expected)) wrong("the ledger is " + to_string(is) + ", expected " + to_string(expected));
  }

  [[nodiscard]] std::vector<ModelLetter> stored() const {
    std::vector<ModelLetter> letters;
    const auto listed = store_->list({}, 1000);
    for (const DeadLetter& letter : *listed) {
      letters.push_back({{.value = FaultyStore::value_of(letter), .key = FaultyStore::key_of(letter)},
                         letter.failure,
                         letter.attempts_made,
                         letter.parks_key,
                         letter.worker,
                         letter.id});
    }
    return letters;
  }
  void compare_end() {
    if (!wrong_.empty()) return;
    compare_ledger();
    if (world_.ledger.in_flight != 0) wrong("events are left: " + to_string(world_.ledger));
    for (std::size_t i = 0; i < redrives_.size(); ++i) {
      const RedriveReport is = redrives_[i]->report();
      const ModelRedrive& expected = world_.runs[i];
      if (is.handled != expected.handled || is.returned != expected.returned || is.finished != expected.finished ||
          is.error.empty() == expected.ended_early || is.skipped != 0) {
        wrong("redrive " + std::to_string(i) + " handled " + std::to_string(is.handled) + ", returned " +
              std::to_string(is.returned) + ", '" + is.error + "'; expected " + std::to_string(expected.handled) +
              " and " + std::to_string(expected.returned));
      }
    }
    if (store_ == nullptr) return;
    const std::vector<ModelLetter> letters = stored();
    if (letters != world_.store.letters) {
      wrong("the dead letters are " + text(letters) + ", expected " + text(world_.store.letters));
    }
  }

  void wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what) + "\n" + sim_.describe();
  }
  SeededRandom random_;
  const Plan plan_;
  const bool stops_early_ = !plan_.in_batches && random_.hits(250);
  const unsigned workers_;
  std::shared_ptr<FaultyStore> store_;
  ModelWorld world_{plan_};
  std::deque<ModelWorker> models_;
  std::vector<Call> calls_;
  std::vector<CircuitBreaker::State> breaker_changes_;
  std::map<std::uint64_t, std::uint64_t> tries_;
  std::vector<std::uint64_t> runs_seen_;  ///< by the witness, in this turn
  std::vector<std::shared_ptr<Redrive>> redrives_;
  std::vector<std::vector<std::uint64_t>> opened_;
  std::vector<std::set<std::uint64_t>> rung_;
  std::map<std::pair<unsigned, std::uint64_t>, std::uint64_t> left_;
  std::uint64_t ids_made_ = 0;
  std::string wrong_;
  SimulatedBus sim_;
  std::optional<Subscription> subject_, witness_;
};

}  // namespace headrace::sim
