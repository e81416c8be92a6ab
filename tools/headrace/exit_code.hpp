#pragma once

#include "headrace/base/result.hpp"

namespace headrace::program {

/// What the program answers its caller with.
enum ExitCode : int { kExitOk = 0, kExitFailed = 1, kExitUsage = 2, kExitNotBalanced = 3 };

/// Says the error on stderr and answers `code`.
[[nodiscard]] int fail(const Error& error, ExitCode code = kExitFailed);

}  // namespace headrace::program
