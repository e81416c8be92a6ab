#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/port/append_request.hpp"

namespace headrace {

/// A state as it was behind an event of its stream: loading starts here instead of at the first event.
struct AggregateSnapshot {
  StreamVersion version = 0;        ///< of the last event in the state
  std::uint32_t state_version = 1;  ///< of the code that made the state
  std::vector<std::byte> state;

  friend bool operator==(const AggregateSnapshot&, const AggregateSnapshot&) = default;
};

/// Keeps the newest snapshot of each stream. A snapshot saves work and holds nothing of its own: it may be lost,
/// and one of another state version is left aside.
/// Threads: every function from any thread.
class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;

  [[nodiscard]] virtual Result<std::optional<AggregateSnapshot>> load(std::string_view stream) = 0;
  /// Replaces the stream's snapshot, also with one of an older event.
  [[nodiscard]] virtual Status save(std::string_view stream, const AggregateSnapshot& snapshot) = 0;
  /// Removing what is not there is no error.
  [[nodiscard]] virtual Status remove(std::string_view stream) = 0;
};

}  // namespace headrace
