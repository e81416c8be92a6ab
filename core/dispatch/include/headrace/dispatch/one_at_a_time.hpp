#pragma once

#include "headrace/base/atomic.hpp"
#include "headrace/base/check.hpp"

namespace headrace {

/// Debug builds abort when what is meant for one thread at a time is used by two, or once more from inside itself.
/// Release builds know nothing of it.
class OneAtATime {
 public:
#if defined(NDEBUG)
  struct [[maybe_unused]] Use {
    explicit Use(OneAtATime&) noexcept {}
  };
#else
  class Use {
   public:
    explicit Use(OneAtATime& of) noexcept : of_(of) {
      // No partner: it orders nothing, so that race detectors see what would happen without it.
      const bool taken = of_.used_.exchange(true, std::memory_order_relaxed);
      HEADRACE_CHECK("publisher.threads", !taken,
                     "two threads use one Publisher, or a callback publishes with the one that called it");
    }
    ~Use() {
      of_.used_.store(false, std::memory_order_relaxed);  // no partner: as above
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    OneAtATime& of_;
  };

 private:
  Atomic<bool> used_{false};
#endif
};

}  // namespace headrace
