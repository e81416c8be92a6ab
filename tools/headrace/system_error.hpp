#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

namespace headrace::program {

/// `cannot open: No such file or directory`, from errno.
[[nodiscard]] inline std::string system_error(std::string_view what) {
  const int code = errno;
  return std::string(what) + ": " + std::strerror(code);
}

}  // namespace headrace::program
