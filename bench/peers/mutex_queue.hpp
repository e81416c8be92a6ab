#pragma once

#include <condition_variable>
#include <mutex>
#include <queue>
#include <utility>

namespace headrace::bench {

/// A queue as the standard library makes it easy, with moodycamel's names.
template <class T>
class MutexQueue {
 public:
  void enqueue(T item) {
    {
      const std::lock_guard lock(mutex_);
      items_.push(std::move(item));
    }
    filled_.notify_one();
  }
  void wait_dequeue(T& item) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !items_.empty(); });
    item = std::move(items_.front());
    items_.pop();
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::queue<T> items_;
};

}  // namespace headrace::bench
