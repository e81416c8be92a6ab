#pragma once

#include <cstddef>

namespace headrace::wire {

/// What a body may hold; both ways, so that nothing is written that would not be read.
struct CodecLimits {
  std::size_t body_bytes_max = std::size_t{1} << 20;  ///< looked at before anything is parsed
  std::size_t depth_max = 64;                         ///< lists and records inside each other
  std::size_t text_bytes_max = std::size_t{1} << 18;  ///< of one text, name or run of bytes
  std::size_t items_max = std::size_t{1} << 18;       ///< values of all kinds in one body
};

}  // namespace headrace::wire
