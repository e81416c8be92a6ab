#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "headrace/telemetry/ledger.hpp"
#include "model_breaker.hpp"
#include "model_event.hpp"
#include "model_store.hpp"
#include "workload.hpp"

namespace headrace::sim {

struct ModelWorker;
struct ModelWorld;

/// One run over dead letters: a letter after the other, each on its worker; see model_redrive.hpp.
struct ModelRedrive {
  ModelWorld& world;
  std::size_t index;
  ModelStore::Means means;
  bool stops_at_failure = false;
  std::uint64_t letters_max = ~std::uint64_t{0};
  std::uint64_t interval_ns = 0;
  std::uint64_t after = 0, next_ns = 0, handled = 0, returned = 0;
  bool finished = false, ended_early = false;

  void step(ModelWorker& first);
  void ended(bool well);
  void finish(bool early);
};

/// What the workers of the model share.
struct ModelWorld {
  explicit ModelWorld(const Plan& of) : plan(of), store{of} {}

  const Plan& plan;
  Ledger ledger = {};
  std::vector<Call> calls = {};
  std::vector<CircuitBreaker::State> breaker_changes = {};
  std::vector<Try> settled = {};                      // every try that an event was judged by, in order
  std::map<std::uint64_t, std::uint64_t> tries = {};  // by value: how often a handler saw it
  std::uint64_t phase = 0;                            // by_attempt: after a repair events are looked at anew
  ModelStore store;
  std::deque<ModelRedrive> runs = {};
  std::vector<std::deque<std::function<void(ModelWorker&)>>> posted = {};  // by worker: for its next turn
  std::string wrong = {};  // a promise that the model itself breaks
};

}  // namespace headrace::sim
