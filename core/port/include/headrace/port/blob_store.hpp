#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/event_id.hpp"

namespace headrace {

/// Where payloads go that are too large to travel: the event carries the reference (the claim check pattern).
/// Threads:   every function from any thread.
/// Errors:    an unknown reference, and a payload over bytes_max, are errors that no retry helps; what the store cannot do now says `maybe`.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// Keeps a copy, durably if the store is durable; the reference is valid until remove(). The id is the event's whose
  /// content it is: the same id and bytes give the same reference and one copy, however often; other bytes under the
  /// same id another. Without an id (none) each put is a copy of its own.
  [[nodiscard]] virtual Result<std::string> put(const EventId& id, std::span<const std::byte> payload) = 0;
  /// A payload of more than bytes_max is an error, and is not read.
  [[nodiscard]] virtual Result<std::vector<std::byte>> get(std::string_view reference, std::size_t bytes_max) = 0;
  /// Removing what is not there is no error.
  [[nodiscard]] virtual Status remove(std::string_view reference) = 0;
};

}  // namespace headrace
