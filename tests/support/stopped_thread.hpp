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
  explicit StoppedThread(std::jthread& thread) {
    struct sigaction action {};
    action.sa_handler = &hold;
    ::sigaction(SIGUSR1, &action, nullptr);
    state().store(State::wanted);
    ::pthread_kill(thread.native_handle(), SIGUSR1);
    yield_until([] { return state().load() == State::held; });
  }
  ~StoppedThread() {
    state().store(State::released);
    yield_until([] { return state().load() == State::running; });
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
    state().store(State::held);
    while (state().load() != State::released) ::sched_yield();
    state().store(State::running);
  }
};

}  // namespace headrace::test
