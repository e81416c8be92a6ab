#pragma once

/// HEADRACE_MAP(f, context, a, b, ...) expands to f(context, a), f(context, b), ... for up to 256 items.
/// C++20's __VA_OPT__ lets the expansion re-enter itself: each EVAL level rescans four times.

#define HEADRACE_PARENS ()
#define HEADRACE_EVAL(...) HEADRACE_EVAL1(HEADRACE_EVAL1(HEADRACE_EVAL1(HEADRACE_EVAL1(__VA_ARGS__))))
#define HEADRACE_EVAL1(...) HEADRACE_EVAL2(HEADRACE_EVAL2(HEADRACE_EVAL2(HEADRACE_EVAL2(__VA_ARGS__))))
#define HEADRACE_EVAL2(...) HEADRACE_EVAL3(HEADRACE_EVAL3(HEADRACE_EVAL3(HEADRACE_EVAL3(__VA_ARGS__))))
#define HEADRACE_EVAL3(...) __VA_ARGS__

#define HEADRACE_MAP(f, context, ...) __VA_OPT__(HEADRACE_EVAL(HEADRACE_MAP_STEP(f, context, __VA_ARGS__)))
#define HEADRACE_MAP_STEP(f, context, first, ...) \
  f(context, first) __VA_OPT__(, HEADRACE_MAP_AGAIN HEADRACE_PARENS(f, context, __VA_ARGS__))
#define HEADRACE_MAP_AGAIN() HEADRACE_MAP_STEP
