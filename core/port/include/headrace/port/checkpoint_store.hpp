#pragma once

#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/port/append_request.hpp"

namespace headrace {

/// Remembers how far each reader of an event store has come.
/// Threads:   every function from any thread.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;

  /// 0 for a name that was never saved.
  [[nodiscard]] virtual Result<EventPosition> load(std::string_view name) = 0;
  [[nodiscard]] virtual Status save(std::string_view name, EventPosition position) = 0;
};

}  // namespace headrace
