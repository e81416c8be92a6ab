#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "headrace/event/envelope.hpp"
#include "headrace/process/saga.hpp"

/// How a saga's history is written: topics saga.NAME.WHAT, what is known of a step as headers, input and result as
/// the body. All of it can be read without this program.
namespace headrace::saga_event {

inline constexpr std::string_view kStarted = "started";
inline constexpr std::string_view kStepBegun = "step_begun";
inline constexpr std::string_view kStepRetried = "step_retried";
inline constexpr std::string_view kStepDone = "step_done";
inline constexpr std::string_view kStepRefused = "step_refused";
inline constexpr std::string_view kStepGivenUp = "step_given_up";
inline constexpr std::string_view kCompensationBegun = "compensation_begun";
inline constexpr std::string_view kCompensationRetried = "compensation_retried";
inline constexpr std::string_view kCompensationDone = "compensation_done";
inline constexpr std::string_view kCompensationGivenUp = "compensation_given_up";
inline constexpr std::string_view kRevived = "revived";
inline constexpr std::string_view kCompleted = "completed";
inline constexpr std::string_view kCompensated = "compensated";

inline constexpr std::string_view kStep = "step";
inline constexpr std::string_view kAttempt = "attempt";
inline constexpr std::string_view kError = "error";
inline constexpr std::string_view kNext = "next_attempt_ns";  ///< since 1970
inline constexpr std::string_view kDeadline = "deadline_ns";

[[nodiscard]] std::string topic_of(const Saga& saga, std::string_view what);
/// The last level of the topic; empty if it is not one of this saga's.
[[nodiscard]] std::string_view what_of(const Saga& saga, std::string_view topic);

/// The first and the last event of each saga carry it: by it a runner finds those that have not ended.
[[nodiscard]] std::string tag_of(const Saga& saga);

/// Empty when it is not there.
[[nodiscard]] std::string_view header(const Envelope& envelope, std::string_view name);
/// None when it is missing or no number.
[[nodiscard]] std::optional<std::int64_t> number(const Envelope& envelope, std::string_view name);

}  // namespace headrace::saga_event
