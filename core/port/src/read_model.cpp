#include "headrace/port/read_model.hpp"

#include <exception>
#include <string>
#include <utility>

namespace headrace {
namespace {

Status run(const StoredEventHandler& handler, const StoredEvent& event) noexcept {
  try {
    return handler(event);
  } catch (const std::exception& thrown) {
    return Error{thrown.what(), {}};
  } catch (...) {
    return Error{"an exception of an unknown type", {}};
  }
}

}  // namespace

Status handle_event(const StoredEventHandler& handler, const StoredEvent& event) noexcept {
  Status done = run(handler, event);
  if (done) return done;
  Error error = done.error();
  std::string where = "position " + std::to_string(event.position) + ", " + event.stream + "@" +
                      std::to_string(event.version) + ", " + event.event.envelope.topic;
  error.where = error.where.empty() ? std::move(where) : where + ": " + error.where;
  return error;
}

}  // namespace headrace
