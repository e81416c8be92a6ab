#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "headrace/delivery/kept_event.hpp"
#include "headrace/port/dead_letter_store.hpp"

namespace headrace {

class DeliverySite;
class PendingEventPool;
class RedriveTurn;
struct DispatchEntry;

/// An event that delivery keeps: between two attempts, behind its key, or on its way to a full store. Its
/// deliveries count as in flight. Owned by one worker at a time.
struct PendingEvent {
  DeliverySite* site = nullptr;
  const DispatchEntry* entry = nullptr;
  KeptEvent event;  ///< as it lay in the lane: with its meta, where it has any
  std::uint64_t key = 0;
  std::uint32_t attempts = 0;  ///< made
  bool holds_key = false;      ///< later events of its key wait for it
  bool claimed = false;        ///< the dedup window knows that it is in progress
  std::uint64_t first_failure_ns = 0;
  Attempt first_attempt;                  ///< once one was made; most events have no other
  std::vector<Attempt> later_attempts;    ///< the latest kAttemptsKept - 1
  std::unique_ptr<DeadLetter> letter;     ///< on its way into a store that is full or down
  std::shared_ptr<RedriveTurn> redriven;  ///< null: it is not a dead letter's
  PendingEventPool* home = nullptr;       ///< where it came from

  /// As new, but for its home.
  void clear() noexcept {
    site = nullptr;
    entry = nullptr;
    event.clear();
    key = 0;
    attempts = 0;
    holds_key = false;
    claimed = false;
    first_failure_ns = 0;
    first_attempt = {};
    later_attempts = {};  // may be two thousand bytes
    letter.reset();
    redriven.reset();
  }
};

struct GiveBack {
  void operator()(PendingEvent* event) const noexcept;  ///< in pending_event_pool.hpp
};
using PendingEventPtr = std::unique_ptr<PendingEvent, GiveBack>;

}  // namespace headrace
