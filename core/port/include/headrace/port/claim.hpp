#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "headrace/event/event_description.hpp"

namespace headrace {

/// A part of an event that may be too large to travel: a picture, a document. An event type with such a member is a
/// notification: its handlers see the rest, and fetch this from the blob store when they want it. Made and resolved by
/// a ClaimCheck; to codecs it is a record.
///
///     struct ScanTaken { std::uint64_t device; hr::Claim scan; };
///     HEADRACE_EVENT(ScanTaken, "scans.taken", key(device), device, scan)
struct Claim {
  std::uint64_t size = 0;         ///< bytes of the content
  std::uint64_t sum = 0;          ///< of the content: tells a mistaken or damaged blob, not a forged one
  std::string reference;          ///< the blob's; empty: the content is small, and travels along
  std::vector<std::byte> inside;  ///< the content, where there is no reference

  friend bool operator==(const Claim&, const Claim&) = default;
};
HEADRACE_EVENT(Claim, "headrace.claim", size, sum, reference, inside)

}  // namespace headrace
