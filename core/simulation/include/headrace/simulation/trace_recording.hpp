#pragma once

#include <optional>
#include <string>

#include "headrace/base/result.hpp"
#include "headrace/process/trace.hpp"

namespace headrace {

struct RecordedTrace {
  Trace trace;
  std::optional<Error> damage;  ///< where the recording is torn or damaged: what follows is not in the trace
};

/// The file begins as a recording does. @thread any
[[nodiscard]] bool is_recording(const std::string& path);

/// What one business transaction did, as trace() of an event store, from what crossed a bus while an EventRecorder ran.
/// Only events that were published with an id, or inside a handler, say what they belong to.
/// Errors:  a file that cannot be opened, or is no recording. @thread any
[[nodiscard]] Result<RecordedTrace> trace_recording(const std::string& path, EventId correlation,
                                                    const TraceOptions& options = {});

}  // namespace headrace
