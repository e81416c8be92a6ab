#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "headrace/base/check.hpp"
#include "headrace/port/dedup_store.hpp"

namespace headrace {

struct DedupWindow {
  std::uint32_t events_max = 65'536;  ///< rounded up to a power of two, at most 2^23
  std::chrono::nanoseconds window = std::chrono::minutes{10};
  std::chrono::nanoseconds claim_for = std::chrono::minutes{1};  ///< then another owner may run the event
};

/// Which events were done lately: DedupStore's states in memory, for one thread, without virtual calls.
///
/// A ring of entries in the order in which they were claimed, and an open-addressed index into it. A new entry
/// takes the place behind the newest; when the ring is full the oldest one gives way, unless it is in progress or
/// was claimed anew since: it then moves behind the newest and the next one is looked at.
///
/// Memory:    32 bytes an entry: 24 in the ring, two index slots of 4. Constructor only.
/// Window:    by count: at least events_max minus those in progress. By time: `window` after finish(), in steps of
/// a
///            millisecond, or of window / 2^20 where that is more.
/// Threads:   one owner.  Time: passed in; a jump backward makes nothing older.
/// Index:     a slot is 0 or the entry's place + 1, and above it a tag: the low 8 bits of the slot that is the
/// entry's
///            home, which tells how far it was pushed, and as many more bits of the hash as there is room for. So
///            most misses are told from the index alone.
/// Limits:    `full` is answered when 4,096 entries in a row cannot give way, even if one behind them could.
///            An entry that would stand 255 slots from its home is refused as `full`: the index is at most half
/// full, so
///            chance does not do that; a sender who can choose keys by their hash could.
class DedupTable {
 public:
  /// A worker, or whatever claims. Distinct per table.
  using Owner = std::uint16_t;

  explicit DedupTable(DedupWindow options = {})
      : unit_ns_(std::max<std::int64_t>(1'000'000, options.window.count() >> 20)),
        window_(units_up(options.window)),
        claim_for_(units_up(options.claim_for)) {
    HEADRACE_CHECK("dedup_table.events_max", options.events_max > 0 && options.events_max <= kEventsMost,
                   "a dedup window holds 1 to 2^23 events");
    HEADRACE_CHECK("dedup_table.window", options.window.count() > 0 && options.claim_for.count() > 0,
                   "a dedup window and its claims last longer than nothing");
    events_ = std::bit_ceil(std::max(options.events_max, 64U));
    place_bits_ = static_cast<std::uint32_t>(std::bit_width(events_));  // for place + 1, up to events_ itself
    index_mask_ = events_ * 2 - 1;
    entries_ = std::make_unique<Entry[]>(events_);
    index_ = std::make_unique<std::uint32_t[]>(std::size_t{index_mask_} + 1);
  }

  [[nodiscard]] DedupAnswer claim(const DedupKey& key, Owner owner, EventTime now) noexcept {
    const std::uint32_t present = tick(now);
    const std::uint64_t hash = hash_key(key);
    if (const std::uint32_t place = find(key, hash); place != kNone) {
      Entry& entry = entries_[place];
      if (!is_over(entry, present)) {
        if (entry.state == State::done) return {DedupClaim::done, entry.answer};
        return {DedupClaim::in_progress, 0};
      }
      entry = Entry{key, present, owner, 0, State::in_progress, Age::claimed_anew};
      return {DedupClaim::run, 0};
    }
    if (used_ == events_ && !make_room(present)) return {DedupClaim::full, 0};
    const std::uint32_t place = (first_ + used_) & (events_ - 1);
    if (!insert(hash, place)) return {DedupClaim::full, 0};
    entries_[place] = Entry{key, present, owner, 0, State::in_progress, Age::as_placed};
    ++used_;
    return {DedupClaim::run, 0};
  }

  /// False: the owner does not hold the claim any more.
  bool finish(const DedupFinish& end, Owner owner, EventTime now) noexcept {
    const std::uint32_t present = tick(now);
    const std::uint32_t place = find(end.key, hash_key(end.key));
    if (place == kNone) return false;
    Entry& entry = entries_[place];
    if (entry.state != State::in_progress || entry.owner != owner) return false;
    entry.since = present;
    entry.answer = end.answer;
    entry.state = end.end == DedupEnd::done ? State::done : State::failed;
    return true;
  }

  /// The same for a batch: the memory that it will touch is asked for ahead.
  void claim(std::span<const DedupKey> keys, Owner owner, EventTime now, DedupAnswer* answers) noexcept {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (i + kAhead < keys.size()) __builtin_prefetch(&index_[home(hash_key(keys[i + kAhead]))], 1);
      answers[i] = claim(keys[i], owner, now);
    }
  }

  /// Entries in use: done and not yet given way, in progress, failed.
  [[nodiscard]] std::uint32_t size() const noexcept { return used_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return events_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return events_ * sizeof(Entry) + (std::size_t{index_mask_} + 1) * sizeof(std::uint32_t);
  }

 private:
  static constexpr std::uint32_t kEventsMost = 1U << 23;
  static constexpr std::uint32_t kNone = ~0U;
  static constexpr std::uint32_t kFarthest = 255;
  static constexpr std::size_t kAhead = 8;
  static constexpr std::uint32_t kTurnsMost = 4096;

  enum class State : std::uint8_t { in_progress, done, failed };
  enum class Age : std::uint8_t { as_placed, claimed_anew };
  struct Entry {
    DedupKey key;
    std::uint32_t since = 0;  ///< when claimed or finished, in units since start_
    Owner owner = 0;
    std::uint8_t answer = 0;
    State state : 4 = State::failed;
    Age age : 4 = Age::as_placed;
  };
  static_assert(sizeof(Entry) == 24);

  [[nodiscard]] std::uint32_t units_up(std::chrono::nanoseconds time) const noexcept {
    const std::int64_t units = time.count() / unit_ns_ + (time.count() % unit_ns_ != 0 ? 1 : 0);
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max() / 2;
    return static_cast<std::uint32_t>(std::min(units, kMost));
  }
  /// The present unit. Units wrap after 2^32; what could then look young again is forgotten before.
  [[nodiscard]] std::uint32_t tick(EventTime now) noexcept {
    const std::int64_t units = now.time_since_epoch().count() / unit_ns_;
    if (units > latest_) {
      if (used_ != 0 && units - latest_ > std::numeric_limits<std::uint32_t>::max() / 2) forget_all();
      latest_ = units;
    }
    return static_cast<std::uint32_t>(latest_);
  }
  void forget_all() noexcept {
    for (; used_ > 0; --used_, first_ = (first_ + 1) & (events_ - 1)) erase(first_);
  }
  /// As good as not there: failed, done and out of the window, claimed and out of the claim's time.
  [[nodiscard]] bool is_over(const Entry& entry, std::uint32_t present) const noexcept {
    const std::uint32_t age = present - entry.since;
    switch (entry.state) {
      case State::in_progress:
        return age >= claim_for_;
      case State::done:
        return age >= window_;
      case State::failed:
        return true;
    }
    return true;
  }

  [[nodiscard]] bool make_room(std::uint32_t present) noexcept {
    // Each turn gives room or moves one entry behind the newest. The number of turns bounds what one claim may
    // cost.
    for (std::uint32_t turn = 0; turn < kTurnsMost; ++turn) {
      Entry& oldest = entries_[first_];
      const bool over = is_over(oldest, present);
      const bool stays = !over && (oldest.state == State::in_progress || oldest.age == Age::claimed_anew);
      if (!stays) {
        erase(first_);
        first_ = (first_ + 1) & (events_ - 1);
        --used_;
        return true;
      }
      // The ring is full: the place behind the newest is the oldest one's own, so that moving is turning the ring.
      if (oldest.state != State::in_progress) oldest.age = Age::as_placed;
      first_ = (first_ + 1) & (events_ - 1);
    }
    return false;
  }

  [[nodiscard]] std::uint32_t home(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash) & index_mask_;
  }
  /// The bits above the place: eight of the home, then of the hash's upper half.
  [[nodiscard]] std::uint32_t tag(std::uint64_t hash) const noexcept {
    return ((home(hash) & kFarthest) | static_cast<std::uint32_t>(hash >> 32) << 8) << place_bits_;
  }
  [[nodiscard]] std::uint32_t place_of(std::uint32_t slot) const noexcept {
    return (slot & ((1U << place_bits_) - 1)) - 1;
  }
  [[nodiscard]] std::uint32_t find(const DedupKey& key, std::uint64_t hash) const noexcept {
    const std::uint32_t wanted = tag(hash);
    for (std::uint32_t at = home(hash);; at = (at + 1) & index_mask_) {
      const std::uint32_t slot = index_[at];
      if (slot == 0) return kNone;
      if (((slot ^ wanted) >> place_bits_) == 0 && entries_[place_of(slot)].key == key) return place_of(slot);
    }
  }
  [[nodiscard]] bool insert(std::uint64_t hash, std::uint32_t place) noexcept {
    std::uint32_t at = home(hash);
    for (std::uint32_t far = 0; index_[at] != 0; at = (at + 1) & index_mask_) {
      if (++far == kFarthest) return false;
    }
    index_[at] = tag(hash) | (place + 1);
    return true;
  }
  /// Takes the entry out of the index. Later slots of the run move up, told by their tags how far they may.
  void erase(std::uint32_t place) noexcept {
    const std::uint64_t hash = hash_key(entries_[place].key);
    std::uint32_t gap = home(hash);
    while (place_of(index_[gap]) != place) gap = (gap + 1) & index_mask_;
    for (std::uint32_t at = (gap + 1) & index_mask_; index_[at] != 0; at = (at + 1) & index_mask_) {
      const std::uint32_t from_home = (at - (index_[at] >> place_bits_)) & kFarthest & index_mask_;
      if (from_home < ((at - gap) & index_mask_)) continue;  // it would land before its home
      index_[gap] = index_[at];
      gap = at;
    }
    index_[gap] = 0;
  }

  const std::int64_t unit_ns_;
  const std::uint32_t window_;     ///< in units
  const std::uint32_t claim_for_;  ///< in units
  std::uint32_t events_ = 0;       ///< a power of two
  std::uint32_t place_bits_ = 0;
  std::uint32_t index_mask_ = 0;
  std::uint32_t first_ = 0;  ///< the oldest entry's place
  std::uint32_t used_ = 0;
  std::int64_t latest_ = 0;  ///< in units: the latest time seen
  std::unique_ptr<Entry[]> entries_;
  std::unique_ptr<std::uint32_t[]> index_;
};

}  // namespace headrace
