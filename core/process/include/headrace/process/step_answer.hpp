#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace headrace {

/// What an action or a compensation of a saga answers. What it throws counts as retry(what()).
struct StepAnswer {
  enum class Kind : std::uint8_t {
    done,
    retry,   ///< it did not work, or nobody knows whether it did: again, by the step's policy
    refuse,  ///< it will not work, and nothing has happened. Of a compensation: nobody can undo this
    wait,    ///< somebody will call SagaRunner::answer(), until the step's deadline
  };
  Kind kind = Kind::done;
  std::string text;  ///< done: the result, any bytes; otherwise why

  [[nodiscard]] static StepAnswer done(std::string result = {}) { return {Kind::done, std::move(result)}; }
  [[nodiscard]] static StepAnswer retry(std::string why) { return {Kind::retry, std::move(why)}; }
  [[nodiscard]] static StepAnswer refuse(std::string why) { return {Kind::refuse, std::move(why)}; }
  [[nodiscard]] static StepAnswer wait() { return {Kind::wait, {}}; }
};

}  // namespace headrace
