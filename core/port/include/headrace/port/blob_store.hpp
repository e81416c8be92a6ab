#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"

namespace headrace {

/// Where payloads go that are too large to travel: the event carries the reference (the claim check pattern).
/// Threads:   every function from any thread.
/// Errors:    an unknown reference is an error that no retry helps; what the store cannot do now says `maybe`.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// Keeps a copy, durably if the store is durable; the reference is valid until remove().
  [[nodiscard]] virtual Result<std::string> put(std::span<const std::byte> payload) = 0;
  [[nodiscard]] virtual Result<std::vector<std::byte>> get(std::string_view reference) = 0;
  /// Removing what is not there is no error.
  [[nodiscard]] virtual Status remove(std::string_view reference) = 0;
};

}  // namespace headrace
