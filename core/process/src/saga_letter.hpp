#pragma once

#include <span>

#include "headrace/port/dead_letter.hpp"
#include "headrace/process/saga.hpp"

namespace headrace {

/// The dead letter of a saga whose compensation was given up. It stands for the saga's first event, so that a saga
/// has one letter at most; its body is the whole history, as JSON.
[[nodiscard]] DeadLetter letter_of(const Saga& saga, const SagaState& state,
                                   std::span<const EncodedEvent> history);

/// By which letters of this saga are found.
[[nodiscard]] std::string subscription_of(const Saga& saga);

}  // namespace headrace
