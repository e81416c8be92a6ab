#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "headrace/event/held_event.hpp"
#include "headrace/port/dead_letter_store.hpp"

namespace headrace {

class DeliverySite;
struct DispatchEntry;

/// An event that delivery keeps: between two attempts, behind its key, or on its way to a full store. Its
/// deliveries count as in flight. Owned by one worker at a time.
struct PendingEvent {
  enum class Next : std::uint8_t {
    run,     ///< the handler
    letter,  ///< `letter` goes into the store that was full
  };

  DeliverySite* site = nullptr;
  const DispatchEntry* entry = nullptr;
  HeldEvent event;  ///< as it lay in the lane: with its meta, where it has any
  std::uint64_t key = 0;
  Next next = Next::run;
  std::uint32_t attempts = 0;  ///< made
  bool holds_key = false;      ///< later events of its key wait for it
  bool claimed = false;        ///< the dedup window knows that it is in progress
  std::uint64_t first_failure_ns = 0;
  std::vector<Attempt> history;
  std::unique_ptr<DeadLetter> letter;
  DeadLetterLease lease = 0;  ///< redriven: whose
  DeadLetterId redriven = 0;  ///< redriven: which letter
};

using PendingEventPtr = std::unique_ptr<PendingEvent>;

}  // namespace headrace
