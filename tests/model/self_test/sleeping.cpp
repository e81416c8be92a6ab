// The model's futex: a sleeper that nobody wakes is a deadlock.

#include "harness/litmus.hpp"
#include "headrace/base/atomic.hpp"
#include "headrace/base/futex.hpp"

namespace headrace::model {
namespace {

enum class Waker { stores_and_wakes, only_stores, wakes_and_stores };

template <Waker waker>
struct Sleeping : Litmus<Sleeping<waker>, 2> {
  Atomic<std::uint32_t> word{0};
  void thread(unsigned index) {
    if (index == 0) {
      while (word.load(std::memory_order_relaxed) == 0) static_cast<void>(futex_wait(&word, 0, kNoDeadline));
      return;
    }
    if (waker == Waker::wakes_and_stores) futex_wake_all(&word);
    word.store(1, std::memory_order_relaxed);
    if (waker == Waker::stores_and_wakes) futex_wake_all(&word);
  }
};
const Register<Sleeping<Waker::stores_and_wakes>> wakes{"sleeping.stores_and_wakes", "The sleeper wakes."};
const Register<Sleeping<Waker::only_stores>> stores{"sleeping.only_stores", "The sleeper never wakes.",
                                                    Search::random, Expect::failure};
const Register<Sleeping<Waker::wakes_and_stores>> early{
    "sleeping.wakes_and_stores", "The sleeper misses the wake-up.", Search::random, Expect::failure};

struct Deadline : Litmus<Deadline, 2> {
  Atomic<std::uint32_t> word{0};
  void thread(unsigned) {
    while (futex_wait(&word, 0, 1) != FutexWait::timed_out) {
    }
  }
};
const Register<Deadline> deadline{"sleeping.deadline", "A sleeper with a deadline wakes by itself."};

}  // namespace
}  // namespace headrace::model
