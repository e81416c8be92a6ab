#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/event/envelope.hpp"
#include "headrace/event/failure_class.hpp"
#include "headrace/event/held_event.hpp"

namespace headrace {

/// Given out by the store, ascending in the order in which letters came; 0: none yet.
using DeadLetterId = std::uint64_t;

/// An event's content for stores that outlive the process.
struct EncodedBody {
  std::string content_type;  ///< a media type: application/json, application/cbor, …
  std::vector<std::byte> bytes;

  friend bool operator==(const EncodedBody&, const EncodedBody&) = default;
};

/// One try to handle an event.
struct Attempt {
  std::uint32_t number = 1;  ///< from 1
  EventTime at{};
  FailureClass failure = FailureClass::none;
  std::string error;  ///< what the handler said or threw

  friend bool operator==(const Attempt&, const Attempt&) = default;
};

/// An event that was given up on, and all that is known of why.
struct DeadLetter {
  DeadLetterId id = 0;
  Envelope envelope;  ///< topic, key, version, times, correlation and causation of the event
  HeldEvent event;    ///< as it was in memory; empty if it comes from a store that outlives the process
  std::optional<EncodedBody> body;  ///< must be there before the letter leaves memory
  std::string type;  ///< what the event's type is called, as EventTypes have it; empty: that is not known

  std::string subscription;  ///< whose handler failed
  std::uint32_t worker = 0;
  FailureClass failure = FailureClass::none;
  std::string reason;

  /// Oldest first. Whoever writes the letter may leave out the middle of a long row, never the first or the last;
  /// `attempts_made` counts all.
  std::vector<Attempt> attempts;
  std::uint32_t attempts_made = 0;
  EventTime first_failure{};
  EventTime last_failure{};

  /// The event's key is parked: no later event of the key runs in this subscription, and no later letter of it is
  /// handed out, until this one is gone. Letters of the same key are of one subscription and one `envelope.key`;
  /// events without a key all share the empty one.
  bool parks_key = false;

  std::uint32_t redrives = 0;  ///< how often the letter was taken; written by the store
};

/// How many attempts a letter keeps at most: the first one and the latest.
inline constexpr std::size_t kAttemptsKept = 32;

/// Makes `again`, the same event failing anew, go on where `before` stood: what a store does by its rule R2.
inline void continue_letter(DeadLetter& again, DeadLetter&& before) {
  again.id = before.id;
  again.redrives = before.redrives;
  again.parks_key = again.parks_key || before.parks_key;
  again.first_failure = before.first_failure;
  again.attempts_made += before.attempts_made;
  std::vector<Attempt> all = std::move(before.attempts);
  for (Attempt& attempt : again.attempts) all.push_back(std::move(attempt));
  if (all.size() > kAttemptsKept) {
    all.erase(all.begin() + 1, all.end() - static_cast<std::ptrdiff_t>(kAttemptsKept - 1));
  }
  again.attempts = std::move(all);
}

}  // namespace headrace
