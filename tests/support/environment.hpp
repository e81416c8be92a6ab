#pragma once

#include <cstdint>
#include <cstdlib>

namespace headrace::test {

/// A number that whoever runs the tests asks for: more than CI has time for.
inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace headrace::test
