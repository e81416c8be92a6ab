#pragma once

#include <string>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/port/checkpoint_store.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/process/saga.hpp"

namespace headrace {

/// Tables of two names can meet in one: `order` with the id `cancel-7`, and `order-cancel` with `7`.
[[nodiscard]] std::string stream_of(const Saga& saga, const std::string& id);
/// An error when the stream holds another table's saga.
[[nodiscard]] Status check_ours(EventStore& store, const Saga& saga, const std::string& id);

/// Version 0 when there is none.
[[nodiscard]] Result<SagaState> load_saga(EventStore& store, const Saga& saga, const std::string& id);
[[nodiscard]] Result<std::vector<EncodedEvent>> read_history(EventStore& store, const Saga& saga,
                                                             const std::string& id);

/// The ids of all sagas of this table that have not ended, the oldest first. With checkpoints it begins behind the
/// last one that it saved, and saves a new one: every saga that was started up to there has ended, which stays
/// true whoever starts others.
[[nodiscard]] Result<std::vector<std::string>> find_open(EventStore& store, const Saga& saga,
                                                         CheckpointStore* checkpoints);

}  // namespace headrace
