#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "environment.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/sqlite/maintenance.hpp"
#include "stored_events.hpp"

namespace headrace::test {

/// An append that a store has answered: it wrote the same event number to the streams "left-W" and "right-W".
struct Acknowledged {
  std::uint32_t writer;
  std::uint32_t number;  ///< version in both streams
  EventId left;
};

inline AppendRequest pair_of_events(std::uint32_t writer, ExpectedVersion expected) {
  AppendRequest request;
  for (const char* side : {"left-", "right-"}) {
    request.streams.push_back(
        {side + std::to_string(writer), expected, {event_of("fault.test", std::string(50, 'x'), {side})}});
  }
  return request;
}

/// What is wrong with the store, given what it acknowledged: nothing lost, nothing doubled, no append half done,
/// the file whole. Empty: nothing is.
inline std::vector<std::string> faults_of(const std::filesystem::path& file, std::uint32_t writers,
                                          const std::vector<Acknowledged>& acknowledged) {
  std::vector<std::string> faults;
  const auto verdict = verify_sqlite_store(file);
  if (!verdict) return {verdict.error().message()};
  faults = verdict->problems;
  auto store = SqliteEventStore::open({.file = file, .access = SqliteAccess::read});
  if (!store) return {store.error().message()};
  std::vector<std::vector<EventId>> left(writers);
  for (std::uint32_t writer = 0; writer < writers; ++writer) {
    for (const auto& event : read_stream(**store, {.stream = "left-" + std::to_string(writer)})) {
      left[writer].push_back(event.event.envelope.id);
      if (event.version != left[writer].size()) faults.push_back("a version is missing or doubled");
    }
    const auto right = (*store)->stream("right-" + std::to_string(writer));
    if (!right || right->version != left[writer].size())
      faults.push_back("an append over two streams is half done");
  }
  for (const Acknowledged& one : acknowledged) {
    const auto& stream = left[one.writer];
    if (one.number > stream.size() || stream[one.number - 1] != one.left) {
      faults.push_back("acknowledged, and not there: " + std::to_string(one.number) + " of writer " +
                       std::to_string(one.writer));
    }
  }
  return faults;
}

}  // namespace headrace::test
