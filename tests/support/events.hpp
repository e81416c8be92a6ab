#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "headrace/event/event_description.hpp"

namespace headrace::test {

/// Sixteen bytes with a key, as most tests want them.
struct Tick {
  std::uint64_t key = 0;
  std::uint64_t value = 0;
};
HEADRACE_EVENT(Tick, "test.tick", key(key), key, value)

struct Tock {
  std::uint64_t value = 0;
};
HEADRACE_EVENT(Tock, "test.tock", value)

/// Too large to be copied to several workers.
struct Large {
  std::uint64_t value = 0;
  std::array<std::uint64_t, 40> rest{};
};
HEADRACE_EVENT(Large, "test.large", value)

struct Named {
  std::string name;
};
HEADRACE_EVENT(Named, "test.named", key(name), name)

}  // namespace headrace::test
