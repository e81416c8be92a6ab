#pragma once

#include <cstddef>

namespace headrace {

/// What the coherence protocol moves.
inline constexpr std::size_t kCacheLineBytes = 64;

/// How far apart what different cores write must lie. Two lines: x86 cores prefetch the neighbour of a line
/// that they miss, and several ARM64 cores (Apple, Neoverse with 128-byte sectors) move pairs.
inline constexpr std::size_t kNoSharingBytes = 128;

}  // namespace headrace
