#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "headrace/event/event_description.hpp"

namespace headrace::test {

/// Counts its objects, so that a test sees one destroyed twice or never. Move-only; owns memory, so that a
/// sanitizer sees it too.
struct Counted {
  static inline std::atomic<std::int64_t> alive{0};

  explicit Counted(std::uint64_t number = 0) : value(std::make_unique<std::uint64_t>(number)) { count(1); }
  Counted(Counted&& other) noexcept : value(std::move(other.value)) { count(1); }
  Counted& operator=(Counted&&) = delete;
  ~Counted() { count(-1); }

  std::unique_ptr<std::uint64_t> value;

 private:
  static void count(std::int64_t more) {
    alive.fetch_add(more, std::memory_order_relaxed);  // no partner: read once the threads have ended
  }
};
HEADRACE_EVENT(Counted, "test.counted")

}  // namespace headrace::test
