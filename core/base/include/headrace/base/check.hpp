#pragma once

namespace headrace {
namespace detail {
[[noreturn]] void check_failed(const char* id, const char* what, const char* file, int line) noexcept;
}  // namespace detail
}  // namespace headrace

/// Programmer errors: always on, prints the stable id and aborts. Never for what input or the machine can cause.
#define HEADRACE_CHECK(id, condition, what)                                                \
  do {                                                                                     \
    if (!(condition)) [[unlikely]] {                                                       \
      ::headrace::detail::check_failed(id, what, __FILE__, __LINE__);                      \
    }                                                                                      \
  } while (false)

/// The same on the hot path: debug builds only.
#if defined(NDEBUG)
#define HEADRACE_DCHECK(id, condition, what) static_cast<void>(0)
#else
#define HEADRACE_DCHECK(id, condition, what) HEADRACE_CHECK(id, condition, what)
#endif
