#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "gate.hpp"

namespace headrace::test {

/// Stops a thread between any two of its instructions, as a debugger, a hypervisor or SIGSTOP would, and lets it
/// go on. One thread at a time. Not for TSan, which hands signals over at calls only.
class StoppedThread {
 public:
  explicit StoppedThread(std::jthread& thread) : StoppedThread(thread.native_handle()) {}
  explicit StoppedThread(pthread_t thread) {
    struct sigaction action {};
    action.sa_handler = &hold;
    ::sigaction(SIGUSR1, &action, nullptr);
    state().store(State::wanted, std::memory_order_relaxed);  // no partner: the signal comes after it
    ::pthread_kill(thread, SIGUSR1);
    yield_until([] { return state().load(std::memory_order_acquire) == State::held; });  // H2 <- H1
  }
  ~StoppedThread() {
    state().store(State::released, std::memory_order_release);                              // R1 -> R2
    yield_until([] { return state().load(std::memory_order_acquire) == State::running; });  // N2 <- N1
  }
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;

 private:
  enum class State { running, wanted, held, released };
  static std::atomic<State>& state() {
    static std::atomic<State> shared{State::running};
    static_assert(std::atomic<State>::is_always_lock_free, "a signal handler may use no other");
    return shared;
  }
  static void hold(int) {
    state().store(State::held, std::memory_order_release);                               // H1 -> H2
    while (state().load(std::memory_order_acquire) != State::released) ::sched_yield();  // R2 <- R1
    state().store(State::running, std::memory_order_release);                            // N1 -> N2
  }
};

}  // namespace headrace::test
