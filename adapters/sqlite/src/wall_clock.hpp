#pragma once

#include <cstdint>

#include "headrace/base/time_source.hpp"

namespace headrace::sqlite {

/// Nanoseconds since 1970, as the columns named *_ns hold them.
[[nodiscard]] inline std::int64_t wall_ns() { return TimeSource{}.wall_time().time_since_epoch().count(); }

}  // namespace headrace::sqlite
