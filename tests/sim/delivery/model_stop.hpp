#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "model_worker.hpp"

namespace headrace::sim {

/// The bus stops, and what waits is given up: each key's events in their order, their key parked for the next run.
inline void ModelWorker::abandon() {
  for (auto& [publisher, lane] : lanes) ledger.dropped += std::exchange(lane, {}).size();
  for (const ModelLetter& letter : std::exchange(unsent, {})) {
    const auto added = world.store.add(letter, now_ns);
    ++(added == ModelStore::Added::stored ? ledger.dead_lettered : ledger.dropped);
  }
  std::vector<ModelEvent> rest;
  for (auto& [due, timer] : std::exchange(timers, {})) {
    if (timer.wakes != Timer::Wakes::event) continue;
    timer.event.holds ? abandon(timer.event) : rest.push_back(timer.event);
  }
  const auto line = held.extract(kLine);  // behind the keys' own
  for (const auto& [key, events] : std::exchange(held, {})) {
    for (const ModelEvent& event : events) abandon(event);
  }
  if (line) {
    for (const ModelEvent& event : line.mapped()) abandon(event);
  }
  for (const ModelEvent& event : rest) abandon(event);
}

inline void ModelWorker::abandon(const ModelEvent& event) {
  if (event.turn) {  // its letter is still there
    ++ledger.dead_lettered;
    return;
  }
  if (!plan.has_store) {
    ++ledger.dropped;
    return;
  }
  const bool parks = plan.park_key || parked.contains(event.key);
  const auto added = world.store.add({event, FailureClass::abandoned, event.attempts, parks, index}, now_ns);
  ++(added == ModelStore::Added::stored ? ledger.dead_lettered : ledger.dropped);
}

}  // namespace headrace::sim
