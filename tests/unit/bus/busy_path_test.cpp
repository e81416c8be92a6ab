#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <span>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "sanitizer.hpp"
#include "settle.hpp"

// Every allocation of this program passes here. A sanitizer brings its own malloc, a static program glibc's.
#if defined(__GLIBC__) && defined(__x86_64__) && !HEADRACE_TEST_ASAN && !HEADRACE_TEST_TSAN
#define HEADRACE_TEST_COUNTS_ALLOCATIONS

namespace {
std::atomic<std::int64_t> allocated{0};
std::atomic<std::int64_t> freed{0};
}  // namespace

extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;

void* malloc(std::size_t size) noexcept {
  allocated.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  allocated.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) noexcept {
  if (old == nullptr) allocated.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(old, size);
}
void* memalign(std::size_t align, std::size_t size) noexcept {
  allocated.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(align, size);
}
void* aligned_alloc(std::size_t align, std::size_t size) noexcept { return memalign(align, size); }
int posix_memalign(void** out, std::size_t align, std::size_t size) noexcept {
  *out = memalign(align, size);
  return *out == nullptr ? ENOMEM : 0;
}
void free(void* old) noexcept {
  if (old != nullptr) freed.fetch_add(1, std::memory_order_relaxed);
  __libc_free(old);
}
}
#endif

namespace headrace {
namespace {

using namespace test;

#if defined(HEADRACE_TEST_COUNTS_ALLOCATIONS)

/// How the test itself gives way to the worker: a system call that tells it from everybody else's.
constexpr long kMark = 0x4ead;
void yield_marked() { syscall(SYS_sched_yield, kMark); }

/// From here on the threads of this process may only exit and yield_marked(): another system call ends it with its
/// number.
bool forbid_system_calls() {
  struct sigaction action {};
  action.sa_sigaction = [](int, siginfo_t* info, void*) {
    _exit(100 + (info->si_syscall < 100 ? info->si_syscall : 100));
  };
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
  std::array<sock_filter, 7> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_yield, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kMark, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  }};
  const sock_fprog program{filter.size(), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

enum Ending : int { clean = 0, allocates = 1, lost = 2, cannot_tell = 3 };

/// Ends the process: `clean`, or what it found. One span and three single events a round; the worker keeps pace,
/// so that no lane is ever full.
[[noreturn]] void run_busily(const SubscribeOptions& options, bool fan_out) {
  Bus bus({.workers = 2, .wait = Wait::spin});
  std::atomic<std::uint64_t> handled{0};
  std::uint64_t handlers = 1;
  const auto by_one = bus.subscribe<Tick>(options, [&](const Tick&) { handled.fetch_add(1); });
  Subscription by_batch;
  if (fan_out) {
    ++handlers;
    by_batch = bus.subscribe<Tick>({.worker = 1},
                                   [&](std::span<const Tick> events) { handled.fetch_add(events.size()); });
  }
  std::atomic<int> awake{0};
  const auto first = bus.subscribe<Tock>({.worker = 0}, [&](const Tock&) { awake.fetch_add(1); });
  const auto second = bus.subscribe<Tock>({.worker = 1}, [&](const Tock&) { awake.fetch_add(1); });
  bus.start();
  Publisher publisher = bus.publisher();
  if (!publisher.publish(Tock{})) _exit(lost);
  while (awake.load() != 2) yield_marked();  // a thread that has not begun yet has system calls to make
  std::array<Tick, 64> ticks;
  for (std::uint64_t i = 0; i < ticks.size(); ++i) ticks[i] = Tick{.key = i, .value = i};
  std::uint64_t published = 0;
  const auto round = [&] {
    const bool all = publisher.publish(std::span<const Tick>(ticks)) && publisher.publish(ticks[0]) &&
                     publisher.publish(ticks[1]) && publisher.publish(ticks[2]);
    if (!all) _exit(lost);
    published += handlers * (ticks.size() + 3);
    while (handled.load() != published) yield_marked();
  };
  for (int i = 0; i < 50; ++i) round();
  if (!forbid_system_calls()) _exit(cannot_tell);
  const auto before = allocated.load();
  for (int i = 0; i < 100; ++i) round();
  _exit(allocated.load() == before ? clean : allocates);
}

// Claim:  publishing and dispatching trivially copyable events after start allocates nothing and makes no system
//         call while busy, on one way or several.
// Method: in a process of its own that may make no other system call than to exit, after a warm-up; every malloc
//         is counted. The exit code tells what was found: 100 and more is a system call's number.
TEST(BusyPath, NeitherAllocatesNorCallsTheSystem) {
  bool counted = true;
  const auto ends_well = [&](int status) {
    if (!WIFEXITED(status)) return false;
    if (WEXITSTATUS(status) == cannot_tell) counted = false;
    return WEXITSTATUS(status) == clean || WEXITSTATUS(status) == cannot_tell;
  };
  EXPECT_EXIT(run_busily({.worker = 0}, false), ends_well, "");
  EXPECT_EXIT(run_busily({.placement = Placement::sharded}, false), ends_well, "");
  EXPECT_EXIT(run_busily({.placement = Placement::balanced}, false), ends_well, "");
  EXPECT_EXIT(run_busily({.worker = 0}, true), ends_well, "");
  if (!counted) GTEST_SKIP() << "seccomp is not available: system calls were not counted";
}

// Claim:  subscribing and ending subscriptions for ever takes no more memory than a few of them: old routes and
//         what hangs on them are given back while events flow.
// Method: live allocations after 100 and after 1,000 rounds of every placement, with events in between. What the
//         last rounds replaced is given back by later ones, once the workers have moved on.
TEST(BusyPath, SubscriptionsThatComeAndGoLeaveNothingBehind) {
  Bus bus({.workers = 2});
  const auto stays = bus.subscribe<Tick>([](const Tick&) {});
  bus.start();
  Publisher publisher = bus.publisher();
  const auto round = [&] {
    for (const auto placement : {Placement::pinned, Placement::sharded, Placement::balanced}) {
      const auto passing = bus.subscribe<Tick>({.placement = placement}, [](const Tick&) {});
      const auto tap = bus.tap([](const AnyEvent&) {});
      ASSERT_TRUE(publisher.publish(Tick{}));
    }
  };
  const auto live_when_settled = [&] {
    for (int i = 0; i < 3; ++i) {
      settle(bus);
      round();
    }
    settle(bus);
    return allocated.load() - freed.load();
  };
  for (int i = 0; i < 100; ++i) round();
  const std::int64_t early = live_when_settled();
  for (int i = 0; i < 1'000; ++i) round();
  EXPECT_LT(live_when_settled(), early + 300);
  stop_drained(bus);
}

#endif

}  // namespace
}  // namespace headrace
