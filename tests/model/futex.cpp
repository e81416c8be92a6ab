// Takes the place of core/base's futex.cpp and check.cpp in the model's programs.

#include "headrace/base/futex.hpp"

#include <array>
#include <cstddef>

#include "headrace/base/check.hpp"
#include "parking.hpp"
#include "relacy_atomics.hpp"

namespace headrace {
namespace model {
namespace {

struct Sleeper {
  const void* word;
  rl::thread_id_t thread;
};
std::array<Sleeper, 8> sleepers;
std::size_t sleeper_count = 0;

void remove_sleeper(std::size_t i) noexcept { sleepers[i] = sleepers[--sleeper_count]; }

void remove_thread(rl::thread_id_t thread) noexcept {
  for (std::size_t i = 0; i < sleeper_count; ++i) {
    if (sleepers[i].thread == thread) return remove_sleeper(i);
  }
}

}  // namespace

void forget_sleepers() noexcept { sleeper_count = 0; }

}  // namespace model

/// As the kernel does: compares and goes to sleep in one step, against the latest value. It may wake for no
/// reason, and with a deadline at any time. Neither it nor the wake-up orders memory here, though the kernel's do.
FutexWait futex_wait(const void* word, std::uint32_t expected, std::uint64_t deadline_ns) noexcept {
  rl::context& context = rl::ctx();
  context.sched();
  if (*static_cast<const volatile std::uint32_t*>(word) != expected) return FutexWait::woken_or_changed;
  const rl::thread_id_t self = context.current_thread();
  model::sleepers[model::sleeper_count++] = {word, self};
  const auto reason = context.park_current_thread(deadline_ns != kNoDeadline, true, false, {"", "futex_wait", 0});
  if (reason != rl::unpark_reason_normal) model::remove_thread(self);
  return reason == rl::unpark_reason_timeout ? FutexWait::timed_out : FutexWait::woken_or_changed;
}

void futex_wake_all(const void* word) noexcept {
  rl::context& context = rl::ctx();
  context.sched();
  for (std::size_t i = model::sleeper_count; i-- > 0;) {
    if (model::sleepers[i].word != word) continue;
    const rl::thread_id_t thread = model::sleepers[i].thread;
    model::remove_sleeper(i);
    context.unpark_thread(thread, false, {"", "futex_wake_all", 0});
  }
}

void detail::check_failed(const char* id, const char*, const char* file, int line) noexcept {
  rl::ctx().fail_test(id, rl::test_result_user_assert_failed, {"", file, static_cast<unsigned>(line)});
  __builtin_unreachable();
}

}  // namespace headrace
