#include "headrace/process/saga.hpp"

#include <algorithm>
#include <set>

namespace headrace {
namespace {

constexpr std::size_t kNameBytesMax = 64;

/// A name is a level of topics and a part of keys.
bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kNameBytesMax && std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

std::string_view StepCall::result(std::string_view step) const {
  for (const SagaStepState& known : state_.steps) {
    if (known.name == step) return known.result;
  }
  return {};
}

std::string StepCall::key() const {
  return saga_.name + "/" + state_.id + "/" + saga_.steps[step_].name + (way_ == Way::compensation ? ":undo" : "");
}

Status check_saga(const Saga& saga) {
  constexpr const char* kNames = "a name has 1 to 64 letters, digits, _ and -";
  if (!is_name(saga.name)) return Error{kNames, "saga '" + saga.name + "'"};
  if (saga.steps.empty()) return Error{"a saga needs a step", "saga " + saga.name};
  if (saga.steps.front().beside_previous) {
    return Error{"the first step has none before it to run beside", "saga " + saga.name};
  }
  std::set<std::string_view> names;
  for (const SagaStep& step : saga.steps) {
    const std::string where = "saga " + saga.name + ", step '" + step.name + "'";
    if (!is_name(step.name)) return Error{kNames, where};
    if (!names.insert(step.name).second) return Error{"two steps have this name", where};
    if (!step.action) return Error{"a step needs an action", where};
    if (step.deadline <= std::chrono::nanoseconds::zero()) return Error{"the deadline is not above zero", where};
    for (const RetryPolicy& policy : {step.retry, step.compensation_retry}) {
      if (const auto fault = policy.fault(); !fault.empty()) return Error{std::string{fault}, where};
    }
  }
  return Nothing{};
}

}  // namespace headrace
