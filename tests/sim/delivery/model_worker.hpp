#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "headrace/delivery/delivery_site.hpp"
#include "headrace/delivery/jitter_random.hpp"
#include "model_limits.hpp"
#include "model_world.hpp"

namespace headrace::sim {

/// What one worker does with its events, in plain lists and maps: no wheel, no slots, no agent. Told when it is
/// polled and which runs of events it takes from which lane, it predicts every call, letter and count.
struct ModelWorker {
  static constexpr std::int64_t kLeaseFor = 30'000'000'000;
  static constexpr std::uint64_t kLine = DeliverySite::kLine;  // behind it waits what an open breaker holds up
  using Run = std::pair<std::uint64_t, std::uint64_t>;         // a publisher's lane, and how many events
  struct Timer {
    enum class Wakes : std::uint8_t { event, line, letters };
    Wakes wakes = Wakes::event;
    ModelEvent event = {};
  };

  ModelWorld& world;
  const unsigned index;
  JitterRandom random;
  const Plan& plan = world.plan;
  Ledger& ledger = world.ledger;
  std::uint64_t now_ns = 0;
  std::int64_t wall_ns = 0;  ///< at now_ns

  std::map<std::uint64_t, std::deque<ModelEvent>> lanes = {};  // by publisher
  std::multimap<std::uint64_t, Timer> timers = {};             // by tick; equal ones in the order they came
  std::multimap<std::uint64_t, std::size_t> works = {};        // by tick: redrives that wait for their rate
  std::map<std::uint64_t, std::deque<ModelEvent>> held = {};   // by key
  std::vector<std::uint64_t> freed = {};                       // keys to be released, the last one first
  std::set<std::uint64_t> parked = {};
  std::deque<ModelLetter> unsent = {};  // letters that wait for the store
  ModelWindow window = {};
  std::optional<ModelBreaker> breaker = plan.breaker ? std::optional(ModelBreaker{*plan.breaker}) : std::nullopt;
  std::uint64_t line_wakes_ns = 0;
  std::optional<ModelBudget> budget = plan.budget ? std::optional(ModelBudget{*plan.budget}) : std::nullopt;
  std::optional<std::uint64_t> releasing = {};
  bool blocked = false;

  // --- A turn --------------------------------------------------------------------------------------------------

  void poll(const std::vector<Run>& runs) {
    release_all();
    for (const auto& work : std::exchange(world.posted[index], {})) work(*this);
    release_all();
    for (Timer& timer : take_due(timers)) fire(timer);
    release_all();
    for (const std::size_t run : take_due(works)) world.runs[run].step(*this);
    for (const auto& [publisher, count] : runs) {
      auto& lane = lanes[publisher];
      std::vector<ModelEvent> events(lane.begin(), lane.begin() + static_cast<std::ptrdiff_t>(count));
      lane.erase(lane.begin(), lane.begin() + static_cast<std::ptrdiff_t>(count));
      meet(events);
    }
  }
  template <class T>
  std::vector<T> take_due(std::multimap<std::uint64_t, T>& of) const {
    std::vector<T> due;
    for (auto at = of.begin(); at != of.end() && at->first <= now_ns / 1'000'000; at = of.erase(at)) {
      due.push_back(at->second);
    }
    return due;
  }
  void fire(Timer& timer) {
    if (timer.wakes == Timer::Wakes::event) return meet({&timer.event, 1});
    if (timer.wakes == Timer::Wakes::letters) return send_letters();
    freed.push_back(kLine);
  }
  void start(std::uint64_t due_ns, Timer timer) {
    timers.emplace((due_ns + 999'999) / 1'000'000, std::move(timer));
  }

  void release_all() {
    while (!freed.empty()) {
      const std::uint64_t key = freed.back();
      freed.pop_back();
      if (!held.contains(key)) continue;
      if (key == kLine && !line_may_move()) {
        wake_line();
        continue;
      }
      releasing = key;
      bool goes_on = true;
      while (goes_on && !held[key].empty()) {
        ModelEvent event = held[key].front();
        held[key].pop_front();
        blocked = false;
        event.again = true;
        event.holds = key != kLine;
        meet({&event, 1});
        goes_on = key == kLine ? line_may_move() : !blocked;
      }
      if (goes_on) held.erase(key);
      releasing.reset();
      if (key == kLine) wake_line();
    }
  }

  // --- Before the handler --------------------------------------------------------------------------------------

  /// Events that lie side by side. A handler of spans gets as many at once as may run together.
  void meet(std::span<ModelEvent> events) {
    bool one_by_one = false;
    while (!events.empty()) {
      if (!admit(events[0])) {
        events = events.subspan(1);
        continue;
      }
      const std::size_t most = plan.in_batches && !one_by_one ? events.size() : 1;
      std::size_t count = 1;
      while (count < most && joins(events[count])) ++count;
      events = events.subspan(handle(events.first(count), one_by_one));
    }
  }

  bool admit(ModelEvent& event) {
    if (!event.turn && is_over(event)) return expire(event), false;
    if (!event.holds && releasing != kLine && held.contains(kLine)) return wait_behind(kLine, event), false;
    if (!event.holds && held.contains(event.key)) return wait_behind(event.key, event), false;
    if (!event.turn && is_parked(event.key)) return give_up(event, FailureClass::behind, true), false;
    if (breaker && !passes_breaker(event)) return false;
    return !needs_claim(event) || claim(event);
  }
  /// Whether it may be handled together with those before it, of which nothing is known yet. If not, nothing has
  /// happened: it is looked at again after them.
  bool joins(ModelEvent& event) {
    if (is_over(event) || held.contains(event.key) || is_parked(event.key)) return false;
    if (breaker && (breaker->state != ModelBreaker::State::closed || held.contains(kLine))) return false;
    if (!needs_claim(event)) return true;
    event.claimed = !window.claim(copy_of(event), wall_ns);
    return event.claimed;
  }
  [[nodiscard]] bool is_over(const ModelEvent& event) const {
    return event.expires_ns != 0 && now_ns >= event.expires_ns;
  }

  bool passes_breaker(ModelEvent& event) {
    const auto before = breaker->state;
    const bool runs = breaker->lets_run(now_ns);
    note_breaker(before);
    if (runs) return true;
    if (event.holds) return later(event, breaker->asks_again_ns), false;
    if (held.try_emplace(kLine).second) wake_line();
    return wait_behind(kLine, event), false;
  }
  void note_breaker(ModelBreaker::State before) {
    if (breaker->state == before) return;
    world.breaker_changes.push_back(breaker->state);
    if (breaker->state == ModelBreaker::State::closed && held.contains(kLine)) freed.push_back(kLine);
    if (breaker->state == ModelBreaker::State::open) wake_line();
  }
  [[nodiscard]] bool line_may_move() const {
    return breaker->state == ModelBreaker::State::closed || now_ns >= breaker->asks_again_ns;
  }
  void wake_line() {
    if (!held.contains(kLine) || breaker->state == ModelBreaker::State::closed) return;
    if (breaker->asks_again_ns <= line_wakes_ns && line_wakes_ns > now_ns) return;
    line_wakes_ns = breaker->asks_again_ns;
    start(line_wakes_ns, {.wakes = Timer::Wakes::line});
  }

  /// What makes two events copies of each other.
  [[nodiscard]] std::uint64_t copy_of(const ModelEvent& event) const { return plan.by_key ? event.key : event.id; }
  [[nodiscard]] bool needs_claim(const ModelEvent& event) const {
    return plan.deduplicated && (plan.by_key || event.id != 0) && !event.claimed;
  }
  bool claim(ModelEvent& event) {
    const auto before = window.claim(copy_of(event), wall_ns);
    if (!before) return event.claimed = true;
    if (*before == ModelWindow::Copy::done || plan.when_in_progress == WhenInProgress::drop) {
      if (event.turn) settle_letter(event);
      end(event, ledger.dropped);
    } else {
      later(event, now_ns + 10'000'000);
    }
    return false;
  }

  // --- The handler ---------------------------------------------------------------------------------------------

  /// How many events from the front are settled.
  std::size_t handle(std::span<ModelEvent> events, bool& one_by_one) {
    std::size_t well = 0;
    std::optional<Deed> trouble;
    for (const ModelEvent& event : events) {
      check_order(event);
      const std::uint64_t seen_before = world.tries[event.value]++;
      const std::uint64_t nth = plan.by_attempt ? Plan::nth(event.attempts + 1, world.phase) : seen_before + 1;
      const Deed deed = plan.deed(event.value, nth);
      const std::size_t span = well == 0 ? events.size() : 0;
      world.calls.push_back({event.value, event.attempts + 1, now_ns, span});
      now_ns += static_cast<std::uint64_t>(deed.takes.count());
      wall_ns += deed.takes.count();
      if (deed.kind != Deed::Kind::done) {
        trouble = deed;
        break;
      }
      ++well;
    }
    if (trouble && events.size() > 1 && !plan.names_one(events[well].value, *trouble)) {
      one_by_one = true;
      return 0;
    }
    for (const ModelEvent& event : events.first(well + (trouble ? 1 : 0))) {
      world.settled.push_back({event.value, event.attempts + 1});
    }
    for (ModelEvent& event : events.first(well)) done(event);
    if (trouble) fail(events[well], *trouble);
    return well + (trouble ? 1 : 0);
  }
  /// `ordered`, said apart from how it is done: no earlier event of the key is still waiting for a try.
  void check_order(const ModelEvent& event) {
    if (!plan.ordered || event.turn) return;
    const auto passes = [&](const ModelEvent& other) {
      return other.key == event.key && other.value / 1000 == event.value / 1000 && other.value < event.value &&
             !other.turn;
    };
    const auto note = [&](const ModelEvent& other) {
      if (passes(other)) {
        world.wrong = std::to_string(event.value) + " runs before " + std::to_string(other.value) + " of its key";
      }
    };
    for (const auto& [due, timer] : timers) {
      if (timer.wakes == Timer::Wakes::event) note(timer.event);
    }
    for (const auto& [key, events] : held) std::for_each(events.begin(), events.end(), note);
  }

  void done(ModelEvent& event) {
    if (breaker) answer_breaker(false);
    if (budget) budget->succeeded();
    finish(event, true);
    event.claimed = false;
    if (event.turn) settle_letter(event);
    end(event, ledger.handled);
  }
  void answer_breaker(bool failed) {
    const auto before = breaker->state;
    breaker->answered(failed, now_ns);
    note_breaker(before);
  }

  void fail(ModelEvent& event, const Deed& deed) {
    using Kind = Deed::Kind;
    const bool threw = deed.kind == Kind::throws || deed.kind == Kind::throws_for_good;
    const bool rejected = deed.kind == Kind::dead_letter || deed.kind == Kind::park;
    const auto failure = threw ? FailureClass::threw : rejected ? FailureClass::rejected : FailureClass::failed;
    if (breaker && rejected && breaker->abstained(now_ns) && held.contains(kLine)) freed.push_back(kLine);
    if (breaker && !rejected) answer_breaker(true);
    if (++event.attempts == 1) event.first_failure_ns = now_ns;
    if (!rejected && deed.kind != Kind::throws_for_good) {
      if (const auto delay = next_delay(event, deed); delay && (!budget || budget->allows(now_ns))) {
        return later(event, now_ns + static_cast<std::uint64_t>(delay->count()));
      }
    }
    give_up(event, failure, deed.kind == Kind::park);
  }
  std::optional<std::chrono::nanoseconds> next_delay(const ModelEvent& event, const Deed& deed) {
    const auto since = std::chrono::nanoseconds(now_ns - event.first_failure_ns);
    const bool is_asked = deed.kind == Deed::Kind::retry_after || deed.kind == Deed::Kind::retry_at;
    if (!is_asked && !plan.has_store && plan.retry.attempts_max() == 1) return std::nullopt;
    if (!is_asked) return plan.retry.next(event.attempts, since, random());
    const std::uint32_t most = plan.retry == RetryPolicy{} ? 10 : plan.retry.attempts_max();
    if (event.attempts >= most || since + deed.delay > plan.time_limit) return std::nullopt;
    return deed.delay;
  }

  // --- What becomes of it --------------------------------------------------------------------------------------

  void later(ModelEvent event, std::uint64_t due_ns) {
    if (plan.ordered && !event.holds) {
      if (!held.contains(event.key) && held.size() - held.count(kLine) == plan.waiting.keys_max) {
        return give_up(event, FailureClass::no_room, false);
      }
      held[event.key];
      event.holds = true;
    }
    if (event.holds) blocked = true;
    const std::int64_t wait_ns = due_ns > now_ns ? static_cast<std::int64_t>(due_ns - now_ns) : 0;
    if (event.claimed) window.renew(copy_of(event), wall_ns, wall_ns + wait_ns);
    if (event.turn) world.store.renew(*event.turn, wall_ns + wait_ns + kLeaseFor);
    event.again = true;
    start(due_ns, {.event = event});
  }

  void wait_behind(std::uint64_t key, const ModelEvent& event) {
    std::size_t waiting = 0;
    for (const auto& [other, events] : held) waiting += events.size();
    if (waiting >= plan.waiting.events_max && plan.waiting.when_full == WhenRoomFull::dead_letter) {
      return give_up(event, FailureClass::no_room, false);
    }
    if (waiting >= plan.waiting.events_max && plan.waiting.when_full == WhenRoomFull::drop) {
      return end(event, ledger.dropped);
    }
    held[key].push_back(event);
  }

  void expire(const ModelEvent& event) {
    if (plan.when_expired == WhenExpired::dead_letter && plan.has_store) {
      return give_up(event, FailureClass::expired, false);
    }
    end(event, ledger.expired);
  }

  void give_up(const ModelEvent& event, FailureClass failure, bool parks) {
    if (!plan.has_store) return end(event, ledger.failed);
    const bool its_turn = event.holds || !held.contains(event.key);
    parks = its_turn && (parks || plan.park_key);
    if (event.turn && event.id == 0) return end(event, ledger.dead_lettered);  // it could not find its letter
    if (parks) parked.insert(event.key);
    finish(event, false);
    free_key(event);
    ModelLetter letter{event, failure, event.attempts, parks, index};
    letter.event.claimed = letter.event.holds = false;
    if (unsent.empty() && send(letter)) return;
    if (unsent.empty()) start(now_ns + 100'000'000, {.wakes = Timer::Wakes::letters});
    unsent.push_back(letter);
  }
  /// False: not yet. A letter that is refused for good stands nowhere: nothing can be behind it.
  bool send(const ModelLetter& letter) {
    const auto added = world.store.add(letter, now_ns);
    if (added == ModelStore::Added::not_yet) return false;
    end(letter.event, added == ModelStore::Added::stored ? ledger.dead_lettered : ledger.failed);
    if (added == ModelStore::Added::refused) free_if_gone(letter.event.key);
    return true;
  }
  void send_letters() {
    while (!unsent.empty()) {
      const ModelLetter letter = unsent.front();
      unsent.pop_front();
      if (send(letter)) continue;
      unsent.push_front(letter);
      return start(now_ns + 100'000'000, {.wakes = Timer::Wakes::letters});
    }
  }

  /// However an event ends, its claim ends with it, its key is free, and its letter's turn is over.
  void end(const ModelEvent& event, std::uint64_t& column) {
    ++column;
    finish(event, false);
    free_key(event);
    if (!event.turn) return;
    if (!event.turn->settled) world.store.release(*event.turn);
    world.runs[event.turn->run].ended(event.turn->settled);
  }
  void finish(const ModelEvent& event, bool done) {
    if (event.claimed) window.finish(copy_of(event), done, wall_ns);
  }
  void free_key(const ModelEvent& event) {
    if (event.holds && releasing != event.key) freed.push_back(event.key);
  }

  // --- The bus stops: model_stop.hpp ---------------------------------------------------------------------------

  void abandon();
  void abandon(const ModelEvent& event);

  // --- Dead letters that come back -----------------------------------------------------------------------------

  void redrive(const ModelEvent& published, const ModelTurn& turn) {
    ++ledger.published;
    ModelEvent event{
        .value = published.value, .key = published.key, .id = published.id, .again = true, .turn = turn};
    meet({&event, 1});
  }
  void settle_letter(ModelEvent& event) {
    event.turn->settled = true;
    world.store.settle(*event.turn);
    free_if_gone(event.key);
  }
  bool is_parked(std::uint64_t key) { return free_if_gone(key), parked.contains(key); }
  void free_if_gone(std::uint64_t key) {
    if (!has_letters(key)) parked.erase(key);
  }
  [[nodiscard]] bool has_letters(std::uint64_t key) const {
    return world.store.parks(key) || std::any_of(unsent.begin(), unsent.end(), [key](const ModelLetter& letter) {
             return letter.event.key == key;
           });
  }
  void free_parked_keys() {
    std::erase_if(parked, [this](std::uint64_t key) { return !has_letters(key); });
  }
};

}  // namespace headrace::sim
