#include "headrace/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace headrace::detail {

void check_failed(const char* id, const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "headrace: check %s failed: %s (%s:%d)\n", id, what, file, line);
  std::abort();
}

}  // namespace headrace::detail
