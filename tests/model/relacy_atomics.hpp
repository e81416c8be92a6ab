#pragma once

/// The names of headrace/base/atomic.hpp over Relacy, a model checker: it runs an execution's threads as fibers,
/// chooses the next thread and the value that each load sees, and knows which accesses are unordered.
///
/// Every operation knows its place in the sources by a defaulted argument, and asks executed_order() for the order
/// to execute there: that is how one program runs all mutants.

#include <bit>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "access.hpp"
#include "mutation.hpp"
#include "relacy/parts.hpp"

namespace headrace {
namespace model {

inline rl::debug_info info(const Where& where) noexcept {
  return {where.function_name(), where.file_name(), where.line()};
}

inline rl::memory_order relacy_order(std::memory_order order) noexcept {
  switch (order) {
    case std::memory_order_relaxed:
      return rl::mo_relaxed;
    case std::memory_order_consume:
      return rl::mo_consume;
    case std::memory_order_acquire:
      return rl::mo_acquire;
    case std::memory_order_release:
      return rl::mo_release;
    case std::memory_order_acq_rel:
      return rl::mo_acq_rel;
    case std::memory_order_seq_cst:
      return rl::mo_seq_cst;
  }
  return rl::mo_seq_cst;
}

/// What Relacy stores for a T: it prints its values, so pointers, enumerations and small structs travel as
/// integers.
template <class T>
struct Stored {
  static constexpr bool kAsItself = std::is_arithmetic_v<T>;
  using Bits =
      std::conditional_t<sizeof(T) == 1, std::uint8_t,
                         std::conditional_t<sizeof(T) == 2, std::uint16_t,
                                            std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;
  using Type = std::conditional_t<kAsItself, T, Bits>;

  static Type from(T value) noexcept { return std::bit_cast<Type>(value); }
  static T back(Type value) noexcept { return std::bit_cast<T>(value); }
};

/// A line in the history of a failed execution.
inline void tell(const char* event, const Where& where) noexcept {
  if (rl::ctx().collecting_history()) rl::ctx().exec_log_msg(info(where), event);
}

}  // namespace model

template <class T>
class Atomic {
  using Stored = model::Stored<T>;
  using Raw = typename Stored::Type;
  using Operation = model::Operation;
  using Where = model::Where;
  using Order = std::memory_order;

 public:
  Atomic() noexcept : Atomic(T{}) {}
  Atomic(T value) noexcept : impl_(Stored::from(value)) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(Order order, Where where = Where::current()) const noexcept {
    return Stored::back(impl_.load(executed(Operation::load, order, where), model::info(where)));
  }
  void store(T value, Order order, Where where = Where::current()) noexcept {
    impl_.store(Stored::from(value), executed(Operation::store, order, where), model::info(where));
  }
  T exchange(T value, Order order, Where where = Where::current()) noexcept {
    return Stored::back(impl_.exchange(Stored::from(value), rmw(order, where), model::info(where)));
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             Where where = Where::current()) noexcept {
    return compare_exchange(rl::bool_t<true>(), expected, desired, success, failure, where);
  }
  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               Where where = Where::current()) noexcept {
    return compare_exchange(rl::bool_t<false>(), expected, desired, success, failure, where);
  }
  T fetch_add(T value, Order order, Where where = Where::current()) noexcept {
    return impl_.fetch_add(value, rmw(order, where), model::info(where));
  }
  T fetch_sub(T value, Order order, Where where = Where::current()) noexcept {
    return impl_.fetch_sub(value, rmw(order, where), model::info(where));
  }
  T fetch_and(T value, Order order, Where where = Where::current()) noexcept {
    return impl_.fetch_and(value, rmw(order, where), model::info(where));
  }
  T fetch_or(T value, Order order, Where where = Where::current()) noexcept {
    return impl_.fetch_or(value, rmw(order, where), model::info(where));
  }

 private:
  static rl::memory_order executed(Operation operation, Order order, const Where& where) noexcept {
    return model::relacy_order(model::executed_order(operation, order, where));
  }
  static rl::memory_order rmw(Order order, const Where& where) noexcept {
    return executed(Operation::read_modify_write, order, where);
  }

  template <bool weak>
  bool compare_exchange(rl::bool_t<weak> kind, T& expected, T desired, Order success, Order failure,
                        const Where& where) noexcept {
    const auto on_success = executed(Operation::compare_exchange, success, where);
    auto on_failure = executed(Operation::compare_exchange_failure, failure, where);
    // Relacy, as C++ before 17, wants failure no stronger than success. The fence makes good what that takes away.
    const bool acquire_later =
        on_failure == rl::mo_acquire && (on_success == rl::mo_relaxed || on_success == rl::mo_release);
    if (acquire_later) on_failure = rl::mo_relaxed;
    Raw raw = Stored::from(expected);
    const bool done =
        impl_.compare_exchange(kind, raw, Stored::from(desired), on_success, on_failure, model::info(where));
    if (!done && acquire_later) rl::atomic_thread_fence(rl::mo_acquire, model::info(where));
    expected = Stored::back(raw);
    return done;
  }

  rl::atomic<Raw> impl_;  // its first member is the latest value, which is what futex.cpp reads
};

inline void atomic_fence(std::memory_order order, model::Where where = model::Where::current()) noexcept {
  const auto executed = model::executed_order(model::Operation::fence, order, where);
  if (executed != std::memory_order_relaxed)
    rl::atomic_thread_fence(model::relacy_order(executed), model::info(where));
}
inline void asymmetric_fence_light(model::Where where = model::Where::current()) noexcept {
  constexpr auto kOrder = std::memory_order_seq_cst;
  if (model::executed_order(model::Operation::light_fence, kOrder, where) != kOrder) return;
  rl::ctx().asymmetric_fence_light();
  model::tell("light fence", where);
}
inline void asymmetric_fence_heavy(model::Where where = model::Where::current()) noexcept {
  constexpr auto kOrder = std::memory_order_seq_cst;
  if (model::executed_order(model::Operation::heavy_fence, kOrder, where) != kOrder) return;
  rl::ctx().asymmetric_fence_heavy();
  model::tell("heavy fence", where);
}

inline void pause(model::Where where = model::Where::current()) noexcept { rl::yield(1, model::info(where)); }

template <class T>
class Plain {
  using Where = model::Where;

 public:
  explicit Plain(T value = T{}, Where where = Where::current()) noexcept : value_(value) {
    model::will_write(&value_, where);
  }
  ~Plain() { model::end_of_lifetime(&value_); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  [[nodiscard]] T get(Where where = Where::current()) const noexcept {
    model::will_read(&value_, where);
    return value_;
  }
  void set(T value, Where where = Where::current()) noexcept {
    model::will_write(&value_, where);
    value_ = value;
  }

 private:
  T value_{};
};

/// Laid out as T, so that a run of cells is a span of T. get() counts as a read.
template <class T>
class Cell {
  using Where = model::Where;

 public:
  Cell() noexcept {}
  ~Cell() { model::end_of_lifetime(this); }
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  template <class... Args>
  T& construct(Args&&... args) noexcept(noexcept(T(std::forward<Args>(args)...))) {
    model::will_write(this, Where::current());
    return *std::construct_at(std::addressof(value_), std::forward<Args>(args)...);
  }
  [[nodiscard]] T& get(Where where = Where::current()) noexcept {
    model::will_read(this, where);
    return value_;
  }
  [[nodiscard]] T* address() noexcept { return std::addressof(value_); }
  void destroy(Where where = Where::current()) noexcept {
    model::will_write(this, where);
    std::destroy_at(std::addressof(value_));
    model::will_write(this, where);  // the cell remembers, also if the T told that its life ended
  }

 private:
  union {
    T value_;
  };
};

}  // namespace headrace
