#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "headrace/dispatch/context.hpp"
#include "headrace/dispatch/subscription_state.hpp"

namespace headrace {

/// Any event, untyped: what a wire tap or a gateway sees.
struct AnyEvent {
  std::string_view topic;
  EventTypeId type;
  const void* data;
  std::uint32_t size;
};

/// The shapes of a handler for T: one event or a run of them, with or without the Context.
template <class F, class T>
concept EventHandler = std::invocable<F&, const T&> || std::invocable<F&, const T&, Context&>;
template <class F, class T>
concept BatchHandler = !EventHandler<F, T> && (std::invocable<F&, std::span<const T>> ||
                                               std::invocable<F&, std::span<const T>, Context&>);
template <class F, class T>
concept HandlerOf = EventHandler<F, T> || BatchHandler<F, T>;

/// A condition on an event's content, checked by the worker before the handler.
template <class P>
struct Where {
  P predicate;
};
template <class P>
[[nodiscard]] Where<P> where(P predicate) {
  return {std::move(predicate)};
}

namespace dispatch_detail {

struct Always {
  template <class T>
  constexpr bool operator()(const T&) const noexcept {
    return true;
  }
};

void report_failure(Context& context, const std::exception_ptr& failure) noexcept;

template <class T, class F, class P>
struct Handler {
  F handle;
  P accepts;

  void one(const T& event, Context& context) {
    if constexpr (std::invocable<F&, const T&, Context&>) {
      context.set_first(&event);
      handle(event, context);
    } else {
      handle(event);
    }
  }
  void run(std::span<const T> events, Context& context) {
    if constexpr (std::invocable<F&, std::span<const T>, Context&>) {
      context.set_first(events.data());
      handle(events, context);
    } else {
      handle(events);
    }
  }

  // The loop stands inside the try block, so that a handler that does not throw pays nothing for one that might.
  // It looks at tally.ended after each event; a handler that the compiler sees through costs no such look.
  std::uint32_t each(const T* events, std::uint32_t count, Context& context, Tally& tally) {
    std::uint32_t at = 0;
    std::uint32_t refused = 0;
    while (at < count && !tally.ended) {
      try {
        for (; at < count && !tally.ended; ++at) {
          if constexpr (!std::is_same_v<P, Always>) {
            if (!accepts(events[at])) {
              ++refused;
              continue;
            }
          }
          one(events[at], context);
        }
      } catch (...) {
        ++tally.failed;
        ++at;
        report_failure(context, std::current_exception());
      }
    }
    tally.refused += refused;
    return at;
  }

  // A predicate cuts the run into stretches of accepted events.
  std::uint32_t batches(const T* events, std::uint32_t count, Context& context, Tally& tally) {
    std::uint32_t at = 0;
    while (at < count && !tally.ended) {
      std::uint32_t end = count;
      bool judged = true;
      if constexpr (!std::is_same_v<P, Always>) {
        end = at;
        try {
          while (end < count && accepts(events[end])) ++end;
        } catch (...) {
          judged = false;
          report_failure(context, std::current_exception());
        }
      }
      if (end > at) {
        try {
          run({events + at, end - at}, context);
        } catch (...) {
          tally.failed += end - at;
          report_failure(context, std::current_exception());
        }
      }
      if (end < count) ++(judged ? tally.refused : tally.failed);
      at = end < count ? end + 1 : count;
    }
    return at;
  }

  static void invoke(void* self, const void* events, std::uint32_t count, Context& context, Tally& tally) {
    auto& handler = *static_cast<Handler*>(self);
    const auto* first = static_cast<const T*>(events);
    std::uint32_t seen = 0;
    if constexpr (EventHandler<F, T>) {
      seen = handler.each(first, count, context, tally);
    } else {
      seen = handler.batches(first, count, context, tally);
    }
    tally.handled = seen - tally.failed - tally.refused;
  }
};

template <class F>
struct AnyHandler {
  F handle;

  static void invoke(void* self, const void* events, std::uint32_t count, Context& context, Tally& tally) {
    const EventOps& ops = context.ops();
    const auto* at = static_cast<const std::byte*>(events);
    std::uint32_t seen = 0;
    for (; seen < count && !tally.ended; ++seen, at += ops.size) {
      try {
        context.set_first(at);
        const AnyEvent event{context.topic(), ops.type, at, ops.size};
        if constexpr (std::invocable<F&, const AnyEvent&, Context&>) {
          static_cast<AnyHandler*>(self)->handle(event, context);
        } else {
          static_cast<AnyHandler*>(self)->handle(event);
        }
      } catch (...) {
        ++tally.failed;
        report_failure(context, std::current_exception());
      }
    }
    tally.handled = seen - tally.failed;
  }
};

}  // namespace dispatch_detail
}  // namespace headrace
