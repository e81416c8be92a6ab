#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "headrace/base/hash.hpp"
#include "headrace/event/failure_class.hpp"
#include "headrace/telemetry/ledger.hpp"
#include "workload.hpp"

namespace headrace::sim {

struct Call {
  std::uint64_t value, attempt, now_ns;
  friend bool operator==(const Call&, const Call&) = default;
};
struct Letter {
  std::uint64_t value;
  std::uint64_t id;  ///< 0: none
  FailureClass failure;
  std::uint64_t attempts;
  friend bool operator==(const Letter&, const Letter&) = default;
};
struct ModelEvent {
  std::uint64_t value = 0, key = 0, id = 0, expires_ns = 0;
  std::uint32_t attempts = 0;
  std::uint64_t first_failure_ns = 0;
  bool again = false, holds = false, claimed = false;
};

/// What one worker does with its events, in plain lists and maps: no wheel, no slots, no agent. Told when it is
/// polled and how many events it takes from each lane, it predicts every call, letter and count.
struct ModelWorker {
  static constexpr std::uint64_t kToken = 1'000'000'000;

  const Plan& plan;
  std::mt19937_64 random;
  Ledger& ledger;
  std::vector<Call>& calls;
  std::vector<Letter>& letters;
  std::uint64_t now_ns = 0;
  std::uint64_t wall_ns = 0;  ///< at now_ns

  std::map<std::uint64_t, std::deque<ModelEvent>> lanes = {};  // by publisher
  std::multimap<std::uint64_t, ModelEvent> timers = {};        // by tick; equal ones in the order they came
  std::map<std::uint64_t, std::deque<ModelEvent>> held = {};   // by key
  std::vector<std::uint64_t> freed = {};                       // keys to be released, the last one first
  std::set<std::uint64_t> parked = {};
  std::map<std::uint64_t, std::pair<bool, std::int64_t>> seen = {};  // id → done or in progress, since when
  std::uint64_t budget = plan.budget ? plan.budget->tokens_max * kToken : 0;
  std::uint64_t budget_ns = 0;
  std::int64_t latest_ms = 0;
  std::optional<std::uint64_t> releasing = {};
  bool blocked = false;

  void poll(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& taken) {
    release_all();
    std::vector<ModelEvent> due;
    for (auto at = timers.begin(); at != timers.end() && at->first <= now_ns / 1'000'000; at = timers.erase(at)) {
      due.push_back(at->second);
    }
    for (ModelEvent& event : due) meet(event);
    release_all();
    for (const auto& [publisher, count] : taken) {
      for (std::uint64_t i = 0; i < count; ++i) {
        ModelEvent event = lanes[publisher].front();
        lanes[publisher].pop_front();
        meet(event);
      }
    }
  }

  void release_all() {
    while (!freed.empty()) {
      const std::uint64_t key = freed.back();
      freed.pop_back();
      if (!held.contains(key)) continue;
      releasing = key;
      blocked = false;
      while (!blocked && !held[key].empty()) {
        ModelEvent event = held[key].front();
        held[key].pop_front();
        event.again = event.holds = true;
        meet(event);
      }
      if (!blocked) held.erase(key);
      releasing.reset();
    }
  }

  void meet(ModelEvent event) {
    if (event.expires_ns != 0 && now_ns >= event.expires_ns) return expire(event);
    if (!event.holds && held.contains(event.key)) return wait_behind(event);
    if (parked.contains(event.key)) return give_up(event, FailureClass::behind, true);
    if (plan.deduplicated && (plan.by_key || event.id != 0) && !event.claimed && !claim(event)) return;
    const Deed deed = plan.deed(event.value, event.attempts + 1);
    calls.push_back({event.value, event.attempts + 1, now_ns});
    now_ns += static_cast<std::uint64_t>(deed.takes.count());
    wall_ns += static_cast<std::uint64_t>(deed.takes.count());
    if (deed.kind == Deed::Kind::done) return done(event);
    fail(event, deed);
  }

  /// What makes two events copies of each other.
  [[nodiscard]] std::uint64_t copy_of(const ModelEvent& event) const { return plan.by_key ? event.key : event.id; }

  bool claim(ModelEvent& event) {
    latest_ms = std::max(latest_ms, static_cast<std::int64_t>(wall_ns / 1'000'000));
    const auto known = seen.find(copy_of(event));
    if (known != seen.end() && latest_ms - known->second.second < (known->second.first ? 600'000 : 60'000)) {
      if (known->second.first || plan.when_in_progress == WhenInProgress::drop) {
        end(event, ledger.dropped);
      } else {
        later(event, now_ns + 10'000'000);
      }
      return false;
    }
    seen[copy_of(event)] = {false, latest_ms};
    return event.claimed = true;
  }

  void done(ModelEvent& event) {
    finish(event, true);
    event.claimed = false;
    if (plan.budget)
      budget = std::min(plan.budget->tokens_max * kToken, budget + plan.budget->success_refunds * kToken);
    end(event, ledger.handled);
  }

  void finish(const ModelEvent& event, bool done) {
    if (!event.claimed) return;
    latest_ms = std::max(latest_ms, static_cast<std::int64_t>(wall_ns / 1'000'000));
    const auto known = seen.find(copy_of(event));
    if (known == seen.end() || known->second.first) return;
    done ? void(known->second = {true, latest_ms}) : void(seen.erase(known));
  }

  void fail(ModelEvent& event, const Deed& deed) {
    using Kind = Deed::Kind;
    const bool threw = deed.kind == Kind::throws || deed.kind == Kind::throws_for_good;
    const bool rejected = deed.kind == Kind::dead_letter || deed.kind == Kind::park;
    const auto failure = threw ? FailureClass::threw : rejected ? FailureClass::rejected : FailureClass::failed;
    if (++event.attempts == 1) event.first_failure_ns = now_ns;
    if (!plan.has_store && plan.retry.attempts_max() == 1) return give_up(event, failure, false);
    if (!rejected && deed.kind != Kind::throws_for_good) {
      const auto since = std::chrono::nanoseconds(now_ns - event.first_failure_ns);
      if (auto delay = plan.retry.next(event.attempts, since, random()); delay && budget_allows()) {
        if (deed.kind == Kind::retry_after || deed.kind == Kind::retry_at) delay = deed.delay;
        return later(event, now_ns + static_cast<std::uint64_t>(delay->count()));
      }
    }
    give_up(event, failure, deed.kind == Kind::park);
  }

  bool budget_allows() {
    if (!plan.budget) return true;
    budget =
        std::min(plan.budget->tokens_max * kToken, budget + (now_ns - budget_ns) * plan.budget->tokens_per_second);
    budget_ns = now_ns;
    const std::uint64_t cost = plan.budget->retry_costs * kToken;
    if (budget < cost) return false;
    budget -= cost;
    return true;
  }

  void later(ModelEvent event, std::uint64_t due_ns) {
    if (plan.ordered && !event.holds) {
      if (!held.contains(event.key) && held.size() == plan.waiting.keys_max) {
        return give_up(event, FailureClass::no_room, false);
      }
      held[event.key];
      event.holds = true;
    }
    if (event.holds) blocked = true;
    event.again = true;
    timers.emplace((due_ns + 999'999) / 1'000'000, event);
  }

  void wait_behind(const ModelEvent& event) {
    std::size_t waiting = 0;
    for (const auto& [key, events] : held) waiting += events.size();
    if (waiting >= plan.waiting.events_max && plan.waiting.when_full == WhenRoomFull::dead_letter) {
      return give_up(event, FailureClass::no_room, false);
    }
    if (waiting >= plan.waiting.events_max && plan.waiting.when_full == WhenRoomFull::drop) {
      return end(event, ledger.dropped);
    }
    held[event.key].push_back(event);
  }

  void expire(const ModelEvent& event) {
    if (plan.when_expired == WhenExpired::dead_letter && plan.has_store) {
      return give_up(event, FailureClass::expired, false);
    }
    end(event, ledger.dropped);
  }

  void give_up(const ModelEvent& event, FailureClass failure, bool parks) {
    if (!plan.has_store) return end(event, ledger.failed);
    const bool its_turn = event.holds || !held.contains(event.key);
    if (its_turn && (parks || plan.park_key)) parked.insert(event.key);
    Letter letter{event.value, event.id, failure, event.attempts};
    const auto known = std::find_if(letters.begin(), letters.end(),
                                    [&](const Letter& other) { return event.id != 0 && other.id == event.id; });
    if (known == letters.end()) {
      if (letters.size() == plan.letters_max) letters.erase(letters.begin());
      letters.push_back(letter);
    } else {
      letter.attempts += known->attempts;
      *known = letter;
    }
    end(event, ledger.dead_lettered);
  }

  /// However an event ends, its claim ends with it, and its key is free.
  void end(const ModelEvent& event, std::uint64_t& column) {
    ++column;
    finish(event, false);
    if (event.holds && releasing != event.key) freed.push_back(event.key);
  }
};

}  // namespace headrace::sim
