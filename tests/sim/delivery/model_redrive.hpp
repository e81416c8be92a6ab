#pragma once

#include "model_worker.hpp"

namespace headrace::sim {

inline void ModelRedrive::step(ModelWorker& first) {
  if (letters_max == 0) return finish(false);
  if (first.now_ns < next_ns) {
    first.works.emplace((next_ns + 999'999) / 1'000'000, index);
    return;
  }
  if (world.plan.store_is_down(first.now_ns)) return finish(true);
  const ModelLetter* const letter = world.store.take(after, means, first.wall_ns, ModelWorker::kLeaseFor);
  if (letter == nullptr) return finish(false);
  after = letter->number;
  --letters_max;
  if (interval_ns != 0) next_ns = first.now_ns + interval_ns;
  const ModelTurn turn{index, letter->lease, letter->number};
  world.posted[letter->worker].push_back(
      [event = letter->event, turn](ModelWorker& worker) { worker.redrive(event, turn); });
}

inline void ModelRedrive::ended(bool well) {
  ++(well ? handled : returned);
  if (!well && stops_at_failure) return finish(true);
  world.posted[0].push_back([this](ModelWorker& first) { step(first); });
}

inline void ModelRedrive::finish(bool early) {
  finished = true;
  ended_early = early;
  for (auto& posted : world.posted) posted.push_back([](ModelWorker& worker) { worker.free_parked_keys(); });
}

}  // namespace headrace::sim
