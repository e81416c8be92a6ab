#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/port/dead_letter_store.hpp"

namespace headrace {

/// Given out by the store, ascending; 0: none.
using DeadLetterRequestId = std::uint64_t;

/// What an operator wants a running bus to do with dead letters.
struct DeadLetterRequest {
  enum class Action : std::uint8_t {
    redrive,  ///< all letters that the filter means
    release,  ///< those of one subscription and key, in order, up to the first that fails again
  };
  Action action = Action::redrive;
  DeadLetterFilter filter{};  ///< id, subscription, topic, key; the rest is not passed on
  std::size_t letters_max = std::numeric_limits<std::size_t>::max();
  double letters_per_second = 0;  ///< 0: each as soon as the one before it is settled
};

/// What has become of a request.
struct DeadLetterAnswer {
  enum class State : std::uint8_t {
    asked,      ///< nobody has begun it
    running,    ///< a bus is at it
    finished,   ///< `error` says why early, if it is not empty
    withdrawn,  ///< before anybody had begun it
  };
  State state = State::asked;
  std::string by;        ///< who is at it
  EventTime heard_at{};  ///< when that was last heard of
  std::uint64_t handled = 0;
  std::uint64_t returned = 0;    ///< failed again, and stand where they stood
  std::uint64_t skipped = 0;     ///< nobody handles them there, or their bytes cannot be read
  std::string why_skipped = {};  ///< of the last one
  std::string error = {};
};

/// The way from an operator's program to the bus that handles a store's letters: both have the store open.
/// Threads:   every function from any thread.
/// Errors:    what the store cannot do now says `maybe`, and has not happened.
class DeadLetterRequests {
 public:
  struct Taken {
    DeadLetterRequestId id = 0;
    DeadLetterRequest request;
  };
  virtual ~DeadLetterRequests() = default;

  // The operator's side.
  /// Nobody begins it after `expires`.
  [[nodiscard]] virtual Result<DeadLetterRequestId> ask(const DeadLetterRequest& request, EventTime now,
                                                        EventTime expires) = 0;
  [[nodiscard]] virtual Result<std::optional<DeadLetterAnswer>> look(DeadLetterRequestId id) = 0;
  /// False: somebody has begun it.
  [[nodiscard]] virtual Result<bool> withdraw(DeadLetterRequestId id) = 0;

  // The bus's side.
  /// The oldest request that is still asked: from now on it is running, and `by`'s. Each is given out once.
  [[nodiscard]] virtual Result<std::optional<Taken>> take(std::string_view by, EventTime now) = 0;
  /// How far a taken request is; `by` stays. Also when nothing has changed: it says that somebody is there.
  [[nodiscard]] virtual Status report(DeadLetterRequestId id, const DeadLetterAnswer& answer, EventTime now) = 0;
};

}  // namespace headrace
