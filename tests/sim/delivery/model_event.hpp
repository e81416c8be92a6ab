#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "headrace/event/failure_class.hpp"

namespace headrace::sim {

/// One look of the handler at an event.
struct Call {
  std::uint64_t value, attempt, now_ns;
  std::size_t span;  ///< first of so many; 0: not the first
  friend bool operator==(const Call&, const Call&) = default;
};

/// One try of an event, whose end is known.
struct Try {
  std::uint64_t value, attempt;
  friend auto operator<=>(const Try&, const Try&) = default;
};

/// A dead letter's place in a redrive: which run, under which lease, which letter.
struct ModelTurn {
  std::size_t run;
  std::uint64_t lease, letter;
  bool settled = false;
};

struct ModelEvent {
  std::uint64_t value = 0, key = 0, id = 0, expires_ns = 0;
  std::uint32_t attempts = 0;
  std::uint64_t first_failure_ns = 0;
  bool again = false, holds = false, claimed = false;
  std::optional<ModelTurn> turn = {};
};

struct ModelLetter {
  ModelEvent event;  ///< as it was published
  FailureClass failure;
  std::uint64_t attempts;
  bool parks;
  unsigned worker;
  std::uint64_t number = 0, lease = 0;
  std::int64_t held_until_ns = 0;
  friend bool operator==(const ModelLetter& a, const ModelLetter& b) {
    return a.event.value == b.event.value && a.failure == b.failure && a.attempts == b.attempts &&
           a.parks == b.parks && a.number == b.number;
  }
};

}  // namespace headrace::sim
