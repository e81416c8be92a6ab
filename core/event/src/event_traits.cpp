#include "headrace/event/event_traits.hpp"

#include "headrace/base/atomic.hpp"

namespace headrace::event_detail {

std::uint32_t next_event_type() noexcept {
  static Atomic<std::uint32_t> next{kAnyEventType + 1};
  return next.fetch_add(1, std::memory_order_relaxed);  // no partner: only uniqueness matters
}

}  // namespace headrace::event_detail
