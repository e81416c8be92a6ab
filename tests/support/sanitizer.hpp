#pragma once

/// HEADRACE_TEST_ASAN and HEADRACE_TEST_TSAN: 1 in a build with that sanitizer, whichever the compiler, else 0.
#if defined(__has_feature)
#define HEADRACE_TEST_ASAN __has_feature(address_sanitizer)
#define HEADRACE_TEST_TSAN __has_feature(thread_sanitizer)
#else
#if defined(__SANITIZE_ADDRESS__)
#define HEADRACE_TEST_ASAN 1
#else
#define HEADRACE_TEST_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__)
#define HEADRACE_TEST_TSAN 1
#else
#define HEADRACE_TEST_TSAN 0
#endif
#endif
