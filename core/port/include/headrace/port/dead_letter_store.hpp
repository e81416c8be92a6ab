#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/port/dead_letter.hpp"

namespace headrace {

/// Which letters are meant: those that agree with every field given.
struct DeadLetterFilter {
  std::optional<DeadLetterId> id = {};
  std::optional<std::string> subscription = {};
  std::optional<std::string> topic = {};  ///< the whole name, no wildcards
  std::optional<std::string> key = {};
  std::optional<FailureClass> failure = {};
  std::optional<EventId> event = {};
  std::optional<EventId> correlation = {};
  std::optional<EventTime> failed_from = {};    ///< last_failure at or after
  std::optional<EventTime> failed_before = {};  ///< last_failure before
  DeadLetterId after = 0;                       ///< only ids greater than this: the next page

  [[nodiscard]] bool matches(const DeadLetter& letter) const {
    const auto agrees = [](const auto& wanted, const auto& is) { return !wanted || *wanted == is; };
    return letter.id > after && agrees(id, letter.id) && agrees(subscription, letter.subscription) &&
           agrees(topic, letter.envelope.topic) && agrees(key, letter.envelope.key) &&
           agrees(failure, letter.failure) && agrees(event, letter.envelope.id) &&
           agrees(correlation, letter.envelope.correlation) &&
           (!failed_from || letter.last_failure >= *failed_from) &&
           (!failed_before || letter.last_failure < *failed_before);
  }
};

/// What a store does when a letter comes and there is no room. It is an option of the store's constructor.
enum class WhenFull : std::uint8_t {
  refuse,       ///< the letter stays with the caller, who waits with it: backpressure
  drop_oldest,  ///< the oldest letter without a lease, running or run out, makes room and is counted; none: refuse
};

/// What became of the letters given to add().
struct Added {
  std::size_t letters = 0;   ///< the first so many are in the store; fewer than given: it is full
  std::size_t replaced = 0;  ///< of these: were there before
  std::size_t dropped = 0;   ///< older letters that made room
};

/// A claim on letters, so that two redrives do not run the same one.
using DeadLetterLease = std::uint64_t;

struct TakeRequest {
  DeadLetterFilter filter = {};
  std::size_t letters_max = 1;
  EventTime now{};
  std::chrono::nanoseconds lease_for = std::chrono::seconds{30};
};

struct Taken {
  DeadLetterLease lease = 0;        ///< 0: nothing was taken
  std::vector<DeadLetter> letters;  ///< by ascending id
};

struct ParkedKey {
  std::string subscription;
  std::string key;
  std::uint64_t letters = 0;

  friend bool operator==(const ParkedKey&, const ParkedKey&) = default;
};

/// The store's own account: added = stored + settled + discarded + dropped, always.
/// The sums start when the store is opened, with `added` = what it held then.
struct DeadLetterCounts {
  std::uint64_t stored = 0;       ///< now, taken ones too
  std::uint64_t parked_keys = 0;  ///< now
  std::uint64_t added = 0;
  std::uint64_t replaced = 0;  ///< added again while still there; not in `added`
  std::uint64_t settled = 0;
  std::uint64_t discarded = 0;
  std::uint64_t dropped = 0;
  std::uint64_t refused = 0;  ///< add() found no room; a letter counts each time

  friend bool operator==(const DeadLetterCounts&, const DeadLetterCounts&) = default;
};

/// Keeps what was given up on until somebody redrives or discards it.
///
/// Redriving: take() leases letters; the caller publishes or runs each again under the event's own id; settle()
/// removes those that went well, release() gives the others back. A crash in between lets the lease run out, and
/// the letter is redriven once more under the same id, which `Deduplicated` recognises. An event that fails again
/// comes back through add() and finds its old place (R2).
///
/// Threads: every function from any thread.
/// Errors:  what the store cannot do now says `maybe`; a letter that holds neither event nor body is an error that
///          no retry helps; a failed call changes nothing. Ids and leases that are not there are no errors: they
///          are not counted in the answer.
/// Rules:   R1  letters are listed and taken by ascending id
///          R2  a letter whose event id (not none) and subscription are there already replaces that one in
///              place: it keeps id, `redrives` and the attempts made before it (continue_letter()), and its lease
///              ends
///          R3  a letter that parks its key is taken only together with, or after, every earlier parking letter
///              of the same subscription and key
///          R4  a lease that ran out still settles and releases until somebody else takes the letter
///          R5  the time is the caller's `now`; the store reads no clock
class DeadLetterStore {
 public:
  virtual ~DeadLetterStore() = default;

  /// False: the store outlives the process, and a letter without a body is an error that no retry helps.
  [[nodiscard]] virtual bool keeps_typed_events() const noexcept = 0;

  /// Moves the letters in, in order, as far as there is room; those not taken are untouched. Durable when it
  /// returns, if the store is.
  [[nodiscard]] virtual Result<Added> add(std::span<DeadLetter> letters) = 0;

  [[nodiscard]] virtual Result<std::vector<DeadLetter>> list(
      const DeadLetterFilter& filter, std::size_t letters_max = std::numeric_limits<std::size_t>::max()) const = 0;
  [[nodiscard]] virtual Result<std::optional<DeadLetter>> show(DeadLetterId id) const = 0;

  /// Leases letters that nobody holds. `redrives` is counted up before they are handed out.
  [[nodiscard]] virtual Result<Taken> take(const TakeRequest& request) = 0;
  /// Removes letters that were redriven. Answers how many of them the lease held.
  [[nodiscard]] virtual Result<std::size_t> settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) = 0;
  /// Gives letters back; they can be taken at once.
  [[nodiscard]] virtual Result<std::size_t> release(DeadLetterLease lease, std::span<const DeadLetterId> ids) = 0;
  /// Lets every letter of the lease be held until now + lease_for.
  [[nodiscard]] virtual Result<std::size_t> renew(DeadLetterLease lease, EventTime now,
                                                  std::chrono::nanoseconds lease_for) = 0;

  /// Removes for good, but for what a lease holds at `now`. Answers how many.
  [[nodiscard]] virtual Result<std::size_t> discard(const DeadLetterFilter& filter, EventTime now) = 0;

  /// Sorted by subscription, then key. A worker asks at start-up which keys it must hold.
  [[nodiscard]] virtual Result<std::vector<ParkedKey>> parked_keys() const = 0;
  /// How many parking letters of the key are there, taken ones too.
  [[nodiscard]] virtual Result<std::uint64_t> parked(std::string_view subscription,
                                                     std::string_view key) const = 0;

  [[nodiscard]] virtual Result<DeadLetterCounts> counts() const = 0;
};

}  // namespace headrace
