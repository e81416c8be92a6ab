#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "headrace/base/big_array.hpp"
#include "headrace/base/check.hpp"
#include "headrace/base/hash.hpp"
#include "headrace/delivery/dedup_index.hpp"
#include "headrace/port/dedup_store.hpp"

namespace headrace {

struct DedupWindow {
  std::uint32_t events_max = 65'536;  ///< rounded up to a power of two, at most 2^23
  std::chrono::nanoseconds window = std::chrono::minutes{10};
  /// Then another owner may run the event. Of one that waits for its next try: so long after that is due.
  std::chrono::nanoseconds claim_for = std::chrono::minutes{1};
};

/// Which events were done lately: DedupStore's states in memory, for one thread, without virtual calls.
///
/// A ring of entries in the order in which they were claimed, and a DedupIndex into it. A new entry
/// takes the place behind the newest; when the ring is full the oldest one gives way, unless it is in progress or
/// was claimed anew since: it then moves behind the newest and the next one is looked at.
///
/// Memory:    32 bytes an entry: 24 in the ring, 8 in the index. Constructor only; throws std::bad_alloc.
/// Window:    by count: at least events_max minus those in progress. By time: `window` after finish(), in steps of
///            a millisecond, or of window / 2^20 where that is more.
/// Threads:   one owner.  Time: passed in; a jump backward makes nothing older.
/// Limits:    `full` is answered when 4,096 entries in a row cannot give way, even if one behind them could, and
///            for an entry that the index refuses (DedupIndex). A claim lasts at most 2^30 of those steps, twelve
///            days, renewed or not. All that is over is marked once in so long, so that steps may wrap.
class DedupTable {
 public:
  /// A worker, or whatever claims. Distinct per table.
  using Owner = std::uint16_t;

  explicit DedupTable(DedupWindow options = {})
      : unit_ns_(std::max<std::int64_t>(1'000'000, options.window.count() >> 20)),
        window_(units_up(options.window)),
        claim_for_(units_up(options.claim_for)),
        events_(std::bit_ceil(std::max(checked(options).events_max, 64U))),
        entries_(events_),
        index_(events_) {}

  [[nodiscard]] DedupAnswer claim(const DedupKey& key, Owner owner, EventTime now) noexcept {
    const std::uint32_t present = tick(now);
    const std::uint64_t hash = hash_of(key);
    if (const std::uint32_t place = find(key, hash); place != DedupIndex::kNone) {
      Entry& entry = entries_[place];
      if (!is_over(entry, present)) {
        if (entry.state == State::done) return {DedupClaim::done, entry.answer};
        return {DedupClaim::in_progress, 0};
      }
      entry = Entry{key, present + claim_for_, owner, 0, State::in_progress, Age::claimed_anew};
      return {DedupClaim::run, 0};
    }
    if (ring_.count == events_ && !make_room(present)) return {DedupClaim::full, 0};
    const std::uint64_t number = ring_.first + ring_.count;
    if (!index_.insert(hash, number, ring_)) return {DedupClaim::full, 0};
    entries_[place_of(number)] = Entry{key, present + claim_for_, owner, 0, State::in_progress, Age::as_placed};
    ++ring_.count;
    return {DedupClaim::run, 0};
  }

  /// False: the owner does not hold the claim any more.
  bool finish(const DedupFinish& end, Owner owner, EventTime now) noexcept {
    const std::uint32_t present = tick(now);
    // Most end in the order in which they were claimed.
    std::uint32_t place = place_of(finished_ + 1);
    if (!is_used(place) || entries_[place].key != end.key) place = find(end.key, hash_of(end.key));
    if (place == DedupIndex::kNone) return false;
    Entry& entry = entries_[place];
    finished_ = place;
    if (entry.state != State::in_progress || entry.owner != owner) return false;
    entry.moment = present;
    entry.answer = end.answer;
    entry.state = end.end == DedupEnd::done ? State::done : State::failed;
    return true;
  }

  /// The claim lasts as if it were made at `from`, now or later. False: the owner does not hold it any more.
  bool renew(const DedupKey& key, Owner owner, EventTime now, EventTime from) noexcept {
    const std::uint32_t present = tick(now);
    const std::uint32_t place = find(key, hash_of(key));
    if (place == DedupIndex::kNone) return false;
    Entry& entry = entries_[place];
    if (entry.state != State::in_progress || entry.owner != owner) return false;
    const std::int64_t ahead = from.time_since_epoch().count() / unit_ns_ - latest_;
    const std::int64_t most = kUnitsMost - claim_for_;
    entry.moment = present + claim_for_ + static_cast<std::uint32_t>(std::clamp<std::int64_t>(ahead, 0, most));
    return true;
  }

  /// The same for a batch: the memory that it will touch is asked for ahead.
  void claim(std::span<const DedupKey> keys, Owner owner, EventTime now, DedupAnswer* answers) noexcept {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (i + kAhead < keys.size()) ask_for(keys[i + kAhead]);
      answers[i] = claim(keys[i], owner, now);
    }
  }

  /// This key will be claimed soon: asks for the memory that that will touch.
  void ask_for(const DedupKey& key) const noexcept { index_.ask_for(hash_of(key)); }

  /// Entries in use: done and not yet given way, in progress, failed.
  [[nodiscard]] std::uint32_t size() const noexcept { return ring_.count; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return events_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return events_ * sizeof(Entry) + index_.memory_bytes();
  }

 private:
  static constexpr std::uint32_t kEventsMost = 1U << 23;
  static constexpr std::size_t kAhead = 8;
  static constexpr std::uint32_t kTurnsMost = 4096;
  static constexpr std::uint32_t kUnitsMost = 1U << 30;

  enum class State : std::uint8_t { in_progress, done, failed };
  enum class Age : std::uint8_t { as_placed, claimed_anew };
  struct Entry {
    DedupKey key;
    std::uint32_t moment = 0;  ///< in units: in progress, when the claim runs out; else when it was finished
    Owner owner = 0;
    std::uint8_t answer = 0;
    State state : 4 = State::failed;
    Age age : 4 = Age::as_placed;
  };
  static_assert(sizeof(Entry) == 24);

  [[nodiscard]] static const DedupWindow& checked(const DedupWindow& options) noexcept {
    HEADRACE_CHECK("dedup_table.events_max", options.events_max > 0 && options.events_max <= kEventsMost,
                   "a dedup window holds 1 to 2^23 events");
    HEADRACE_CHECK("dedup_table.window", options.window.count() > 0 && options.claim_for.count() > 0,
                   "a dedup window and its claims last longer than nothing");
    return options;
  }
  [[nodiscard]] std::uint32_t units_up(std::chrono::nanoseconds time) const noexcept {
    const std::int64_t units = time.count() / unit_ns_ + (time.count() % unit_ns_ != 0 ? 1 : 0);
    return static_cast<std::uint32_t>(std::min<std::int64_t>(units, kUnitsMost));
  }
  /// The present unit. Units wrap after 2^32; what could then look young again is forgotten before.
  [[nodiscard]] std::uint32_t tick(EventTime now) noexcept {
    const std::int64_t ns = now.time_since_epoch().count();
    if (ns >= next_ns_) {
      const std::int64_t units = ns / unit_ns_;
      if (units - latest_ > kUnitsMost) forget_all();  // nothing lasts longer
      latest_ = units;
      if (__builtin_mul_overflow(units + 1, unit_ns_, &next_ns_))
        next_ns_ = std::numeric_limits<std::int64_t>::max();
      if (units - marked_ >= kUnitsMost) mark_over();
    }
    return static_cast<std::uint32_t>(latest_);
  }
  void forget_all() noexcept {
    ring_.first += ring_.count;
    ring_.count = 0;
  }
  void mark_over() noexcept {
    marked_ = latest_;
    for (std::uint32_t i = 0; i < ring_.count; ++i) {
      Entry& entry = entries_[place_of(ring_.first + i)];
      if (is_over(entry, static_cast<std::uint32_t>(latest_))) entry.state = State::failed;
    }
  }
  /// As good as not there: failed, done and out of the window, claimed and out of the claim's time.
  [[nodiscard]] bool is_over(const Entry& entry, std::uint32_t present) const noexcept {
    const std::uint32_t since = present - entry.moment;
    switch (entry.state) {
      case State::in_progress:
        return since < kUnitsMost * 2;  // else the moment lies ahead
      case State::done:
        return since >= window_;
      case State::failed:
        return true;
    }
    return true;
  }

  [[nodiscard]] bool make_room(std::uint32_t present) noexcept {
    // Each turn gives room or moves one entry behind the newest. The number of turns bounds what one claim may
    // cost.
    for (std::uint32_t turn = 0; turn < kTurnsMost; ++turn) {
      Entry& oldest = entries_[place_of(ring_.first)];
      const bool over = is_over(oldest, present);
      const bool stays = !over && (oldest.state == State::in_progress || oldest.age == Age::claimed_anew);
      if (!stays) {
        ++ring_.first;
        --ring_.count;
        return true;
      }
      // The ring is full: the place behind the newest is the oldest one's own, so that moving is turning the ring.
      if (oldest.state != State::in_progress) oldest.age = Age::as_placed;
      index_.renumber(hash_of(oldest.key), ring_.first, ring_.first + events_);
      ++ring_.first;
    }
    return false;
  }

  /// One multiplication: ids are random already.
  [[nodiscard]] static std::uint64_t hash_of(const DedupKey& key) noexcept {
    return fold_multiply(key.high ^ detail::kRoot2, key.low ^ detail::kRoot3);
  }
  [[nodiscard]] std::uint32_t place_of(std::uint64_t number) const noexcept {
    return static_cast<std::uint32_t>(number) & (events_ - 1);
  }
  /// `number`: of it, as many bits as two turns of the ring take.
  [[nodiscard]] bool holds(std::uint64_t number) const noexcept {
    return ((number - ring_.first) & (2 * std::uint64_t{events_} - 1)) < ring_.count;
  }
  [[nodiscard]] bool is_used(std::uint32_t place) const noexcept {
    return place_of(place - ring_.first) < ring_.count;
  }
  /// Its place, or kNone.
  [[nodiscard]] std::uint32_t find(const DedupKey& key, std::uint64_t hash) const noexcept {
    const std::uint32_t number =
        index_.find(hash, ring_, [&](std::uint32_t of) { return holds(of) && entries_[place_of(of)].key == key; });
    return number == DedupIndex::kNone ? number : place_of(number);
  }

  const std::int64_t unit_ns_;
  const std::uint32_t window_;     ///< in units
  const std::uint32_t claim_for_;  ///< in units
  const std::uint32_t events_;     ///< a power of two
  std::uint32_t finished_ = 0;     ///< the place of what was last finished
  DedupIndex::Ring ring_;
  std::int64_t latest_ = 0;   ///< in units: the latest time seen
  std::int64_t marked_ = 0;   ///< in units: when mark_over() last ran
  std::int64_t next_ns_ = 0;  ///< when the next unit begins
  BigArray<Entry> entries_;
  DedupIndex index_;
};

}  // namespace headrace
