#pragma once

#include "where.hpp"

namespace headrace::model {

/// Tells the checker of a plain access, before it is made: unordered with a conflicting one, it fails the
/// execution. So does reading what was never written.
void will_read(const void* address, const Where& where = Where::current()) noexcept;
void will_write(const void* address, const Where& where = Where::current()) noexcept;

/// The memory may be used again, for something else. Conflicts with every access, as a write does.
void end_of_lifetime(const void* address, const Where& where = Where::current()) noexcept;

}  // namespace headrace::model
