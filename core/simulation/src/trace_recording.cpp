#include "headrace/simulation/trace_recording.hpp"

#include <fstream>
#include <utility>

#include "headrace/simulation/recording.hpp"

namespace headrace {

bool is_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return file.is_open() && RecordingReader::begins(file);
}

Result<RecordedTrace> trace_recording(const std::string& path, EventId correlation, const TraceOptions& options) {
  RecordedTrace found;
  const TraceSource read = [&](const std::function<Visit(const StoredEvent&)>& see) -> Status {
    std::ifstream file(path, std::ios::binary);
    if (!file.is_open()) return Error{"the recording cannot be opened", path};
    RecordingReader recording(file);
    StoredEvent shown;
    shown.stream = "recording";
    found.damage.reset();
    for (;;) {
      auto next = recording.next();
      if (!next && shown.version == 0) return Error{next.error().what, path};
      if (!next) found.damage = Error{next.error().what, path + ", " + next.error().where};
      if (!next || !*next) return Nothing{};
      shown.event = std::move((*next)->event);
      ++shown.version;
      ++shown.position;
      shown.stored_at = shown.event.envelope.time;
      if (see(shown) == Visit::stop) return Nothing{};
    }
  };
  auto traced = trace(read, correlation, options);
  if (!traced) return traced.error();
  found.trace = std::move(*traced);
  return found;
}

}  // namespace headrace
