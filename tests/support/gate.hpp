#pragma once

#include <atomic>
#include <thread>

namespace headrace::test {

/// Waits for a condition that another thread will make true. A test that fails to get there runs into its timeout.
void yield_until(const auto& condition) {
  while (!condition()) std::this_thread::yield();
}

/// Holds a handler where it is until the test lets it go.
class Gate {
 public:
  /// The handler's side.
  void pass() {
    arrived_.fetch_add(1, std::memory_order_release);                       // A1 -> A2
    yield_until([this] { return open_.load(std::memory_order_acquire); });  // O2 <- O1
  }
  /// The test's side.
  void await_arrivals(int count = 1) {
    yield_until([&] { return arrived_.load(std::memory_order_acquire) >= count; });  // A2 <- A1
  }
  void open() {
    open_.store(true, std::memory_order_release);  // O1 -> O2
  }

 private:
  std::atomic<int> arrived_{0};
  std::atomic<bool> open_{false};
};

}  // namespace headrace::test
