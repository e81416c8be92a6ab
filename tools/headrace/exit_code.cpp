#include "exit_code.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace headrace::program {

int fail(const Error& error, ExitCode code) {
  fmt::print(stderr, "headrace: {}\n", error.message());
  return code;
}

}  // namespace headrace::program
