#pragma once

namespace headrace::model {

/// Before the first execution after a failed one, whose sleepers were never woken.
void forget_sleepers() noexcept;

}  // namespace headrace::model
