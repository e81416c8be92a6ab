#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "headrace/base/hash.hpp"
#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"

namespace headrace {

/// What makes two copies the same event: its id, or whatever a key function says.
struct DedupKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] static constexpr DedupKey of(const EventId& id) noexcept { return {id.high, id.low}; }
  /// FNV-1a of 128 bits: the same in every process, on every machine. Not for keys that an attacker may choose.
  [[nodiscard]] static constexpr DedupKey of(std::string_view text) noexcept {
    detail::Uint128 hash = static_cast<detail::Uint128>(0x6c62272e07bb0142) << 64 | 0x62b821756295c58d;
    constexpr detail::Uint128 kPrime = static_cast<detail::Uint128>(1) << 88 | 0x13b;
    for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * kPrime;
    return {static_cast<std::uint64_t>(hash >> 64), static_cast<std::uint64_t>(hash)};
  }
  friend constexpr auto operator<=>(const DedupKey&, const DedupKey&) = default;
};

[[nodiscard]] inline std::uint64_t hash_key(const DedupKey& key) noexcept {
  return mix64(key.high ^ mix64(key.low));
}

/// What a consumer may do with a copy.
enum class DedupClaim : std::uint8_t {
  run,          ///< the caller owns it now: first seen, failed before, or its owner's claim ran out
  in_progress,  ///< somebody runs it: wait, or drop this copy
  done,         ///< it was done within the window; see DedupAnswer::answer
  full,         ///< the window is full of events in progress: come back later
};

struct DedupAnswer {
  DedupClaim claim = DedupClaim::run;
  /// Done: what finish() was told, for callers who have more than one answer. A bus has one: a copy of what was
  /// handled is settled as handled, so that its sender hears what the first one's did.
  std::uint8_t answer = 0;

  friend bool operator==(const DedupAnswer&, const DedupAnswer&) = default;
};

/// How an event that was claimed ended.
enum class DedupEnd : std::uint8_t {
  done,    ///< remembered for the window
  failed,  ///< may run again at once
};

struct DedupFinish {
  DedupKey key;
  DedupEnd end = DedupEnd::done;
  std::uint8_t answer = 0;
};

/// Who claims: unlike every other owner that uses the store, in any process. 0 is nobody.
using DedupOwner = std::uint64_t;

/// What a consumer does while the store answers with an error.
enum class WhenDedupDown : std::uint8_t {
  fail_closed,  ///< the event is retried later: never twice, but late
  fail_open,    ///< it runs and is counted: never late, perhaps twice
};

/// Remembers which events were done: at least once becomes effects once within the window. One object is one scope
/// (a group of consumers); adapters take the scope's name when they are built.
///
/// States:  none -> in progress -> done -> (window over) none
///                             \-> failed = none
/// Window:  by time: a done event is forgotten `window` after finish(); by count: the oldest done event makes
///          room. Both, and how long a claim lasts before another owner may run the event, are options of the
///          constructor. A claim counts towards the window's size and is never forgotten to make room.
/// Threads: as the implementation says; adapters: any.
/// Errors:  what the store cannot do now says `maybe`; the caller's WhenDedupDown decides. Nothing is claimed
///          then, or the claims run out.
/// Time:    the caller's `now`; the store reads no clock.
class DedupStore {
 public:
  virtual ~DedupStore() = default;

  /// Claims a batch in one call; answers[i] is for keys[i]. A key that stands twice in the batch is in progress
  /// the second time. A claim of the same owner that is still running answers in_progress as well.
  [[nodiscard]] virtual Status claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                                     std::span<DedupAnswer> answers) = 0;
  /// Ends claims. Those that the owner does not hold any more are left as they are and not counted.
  [[nodiscard]] virtual Result<std::size_t> finish(std::span<const DedupFinish> ends, DedupOwner owner,
                                                   EventTime now) = 0;
  /// Lets claims that the owner holds last as long as if they were made at `from`, which may be ahead of `now`: the
  /// event's next try is due then. Answers how many it held. A store that does not know how holds none: there a copy
  /// may run when the claim has run out, beside an event that still waits for its next try.
  [[nodiscard]] virtual Result<std::size_t> renew(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                                                  EventTime from) {
    static_cast<void>(keys), static_cast<void>(owner), static_cast<void>(now), static_cast<void>(from);
    return std::size_t{0};
  }
};

}  // namespace headrace
