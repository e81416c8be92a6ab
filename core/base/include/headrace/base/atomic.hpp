#pragma once

/// The one alias header for everything that threads share: atomics, fences, plain shared variables and pauses.
///
/// Rings, lane, eventcount, handshakes and reclamation are written against these names only, so that the same
/// source compiles two ways: under std (here), and under a model checker (tests/model sets HEADRACE_MODEL_ATOMICS
/// to a header that defines the same names over the checker's instrumented types).
///
/// | name               | under std                       | under the model                                   |
/// |--------------------|---------------------------------|---------------------------------------------------|
/// | Atomic<T>          | std::atomic<T>                  | checked atomic; each site's order can be weakened  |
/// | atomic_fence(order)| std::atomic_thread_fence        | checked fence; each can be removed                 |
/// | asymmetric_fence_* | compiler barrier and membarrier | a pair of seq_cst fences; each can be removed      |
/// | Plain<T>           | a T with get() and set()        | race-checked variable                              |
/// | Cell<T>            | raw storage for one T           | race-checked storage                               |
/// | pause()            | the CPU's spin hint             | a scheduling point                                 |

#if defined(HEADRACE_MODEL_ATOMICS)
#include HEADRACE_MODEL_ATOMICS
#else

#include <atomic>
#include <memory>
#include <utility>

#include "headrace/base/asymmetric_fence.hpp"
#include "headrace/base/hints.hpp"

namespace headrace {

template <class T>
using Atomic = std::atomic<T>;

inline void atomic_fence(std::memory_order order) noexcept { std::atomic_thread_fence(order); }

/// A variable that several threads use, at different times, ordered by somebody else's atomics.
template <class T>
class Plain {
 public:
  Plain() = default;
  explicit Plain(T value) noexcept : value_(value) {}
  [[nodiscard]] T get() const noexcept { return value_; }
  void set(T value) noexcept { value_ = value; }

 private:
  T value_{};
};

/// Storage for one T whose lifetime a ring controls.
template <class T>
class Cell {
 public:
  Cell() noexcept {}
  ~Cell() {}
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  template <class... Args>
  T& construct(Args&&... args) noexcept(noexcept(T(std::forward<Args>(args)...))) {
    return *std::construct_at(std::addressof(value_), std::forward<Args>(args)...);
  }
  /// The live T. Reading it through this call is what the model checks.
  [[nodiscard]] T& get() noexcept { return value_; }
  /// Where it lives or will live. Not an access: the model does not check what is done by it.
  [[nodiscard]] T* address() noexcept { return std::addressof(value_); }
  void destroy() noexcept { std::destroy_at(std::addressof(value_)); }

 private:
  union {
    T value_;
  };
};

}  // namespace headrace

#endif
