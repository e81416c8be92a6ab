#pragma once

namespace headrace {

/// What a ring answers to one event. `full` leaves the event with the caller, untouched.
enum class PushResult : bool { full, pushed };

}  // namespace headrace
