#pragma once

#include <chrono>
#include <mutex>

namespace headrace {

/// A thread waits for a socket and for other threads at once. For adapters.
/// Protocol: begin(); look for work; without any, wait(). A wake() between begin() and wait() ends the wait at
///           once.
/// Cost:     wake() makes a system call only when it finds the thread waiting, and once a wait.
/// Threads:  wake from any; the rest from the one that waits.
class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void begin();
  enum class Until { readable, readable_or_writable };
  /// Until the socket is, or wake(), or the deadline; answers whether the socket is, or has ended.
  bool wait(int socket, std::chrono::milliseconds deadline, Until until = Until::readable);
  void wake();

 private:
  int event_ = -1;
  std::mutex mutex_;  ///< the flags
  bool wanted_ = false;
  bool woken_ = false;   ///< since begin(), and not waiting yet
  bool asleep_ = false;  ///< only the event reaches it
};

}  // namespace headrace
