#pragma once

#include <concepts>
#include <span>
#include <utility>

#include "headrace/dispatch/handler.hpp"
#include "headrace/simulation/handler_faults.hpp"

namespace headrace {

/// A handler of T that throws or is slow when the simulation says so, and has the shape of the one within.
template <class T, class F>
class FaultyHandler {
 public:
  FaultyHandler(HandlerFaults& faults, F handle) : faults_(faults), handle_(std::move(handle)) {}

  auto operator()(const T& event, Context& context) requires std::invocable<F&, const T&, Context&> {
    faults_.strike();
    return handle_(event, context);
  }
  auto operator()(const T& event) requires(std::invocable<F&, const T&> &&
                                           !std::invocable<F&, const T&, Context&>) {
    faults_.strike();
    return handle_(event);
  }
  auto operator()(std::span<const T> events, Context& context) requires(
      BatchHandler<F, T>&& std::invocable<F&, std::span<const T>, Context&>) {
    faults_.strike();
    return handle_(events, context);
  }
  auto operator()(std::span<const T> events) requires(BatchHandler<F, T> &&
                                                      !std::invocable<F&, std::span<const T>, Context&>) {
    faults_.strike();
    return handle_(events);
  }

 private:
  HandlerFaults& faults_;
  F handle_;
};

}  // namespace headrace
