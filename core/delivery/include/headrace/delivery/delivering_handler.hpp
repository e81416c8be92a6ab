#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "headrace/delivery/delivery.hpp"
#include "headrace/delivery/outcome.hpp"
#include "headrace/dispatch/handler.hpp"

namespace headrace {

namespace delivery_detail {

template <class F, class T>
constexpr auto answer_of() {
  if constexpr (std::invocable<F&, const T&, Context&>) {
    return std::type_identity<std::invoke_result_t<F&, const T&, Context&>>{};
  } else if constexpr (std::invocable<F&, const T&>) {
    return std::type_identity<std::invoke_result_t<F&, const T&>>{};
  } else if constexpr (std::invocable<F&, std::span<const T>, Context&>) {
    return std::type_identity<std::invoke_result_t<F&, std::span<const T>, Context&>>{};
  } else {
    return std::type_identity<std::invoke_result_t<F&, std::span<const T>>>{};
  }
}

}  // namespace delivery_detail

/// What a handler answers, whichever of its shapes it has.
template <class F, class T>
using HandlerAnswer = typename decltype(delivery_detail::answer_of<F, T>())::type;

/// A handler that answers with an Outcome; such a subscription is always delivered.
template <class F, class T>
concept AnswersOutcome = std::same_as<HandlerAnswer<F, T>, Outcome> ||
    (BatchHandler<F, T>&& std::same_as<HandlerAnswer<F, T>, BatchOutcome>);

/// A handler of T whose events are settled by a DeliverySite. What went well in a row costs one comparison an
/// event.
template <class T, class F, class P>
struct DeliveringHandler {
  F handle;
  P accepts;
  Delivery& delivery;

  static void invoke(void* self, const void* events, std::uint32_t count, Context& context, Tally& tally) {
    auto& handler = *static_cast<DeliveringHandler*>(self);
    DeliverySite& site = handler.delivery.site(context.worker());
    const auto* first = static_cast<const T*>(events);
    if constexpr (EventHandler<F, T>) {
      for (std::uint32_t at = 0; at < count && !tally.ended; ++at) handler.one(first[at], site, context, tally);
    } else {
      handler.runs({first, count}, site, context, tally);
    }
  }

  /// The same for OnOverrun::move_shards: what the predicate wants is kept, and comes to call_in_seat().
  static void keep(void* self, const void* events, std::uint32_t count, Context& context, Tally& tally) {
    auto& handler = *static_cast<DeliveringHandler*>(self);
    DeliverySite& site = handler.delivery.site(context.worker());
    const auto* first = static_cast<const T*>(events);
    for (std::uint32_t at = 0; at < count; ++at) {
      context.set_first(&first[at]);
      Outcome thrown;
      const Mark mark = handler.look(first[at], thrown, site, context, tally);
      if (mark == Mark::threw) site.settle(context, thrown, tally, DeliverySite::Claim::ask);
      if (mark == Mark::wanted) site.call_apart(context, tally);
    }
  }
  static Outcome call_in_seat(void* self, const void* event, Context& context,
                              const DeliverySite& site) requires EventHandler<F, T> {
    try {
      return static_cast<DeliveringHandler*>(self)->call(*static_cast<const T*>(event), context);
    } catch (...) {
      return site.judge(std::current_exception());
    }
  }

 private:
  // What is true of an event of a run before the handler's next call.
  enum class Mark : std::uint8_t { fresh, wanted, let_in, threw, settled };

  bool judges_each(const DeliverySite& site, const Context& context) const noexcept {
    return site.watches() || context.meta() != nullptr || context.is_again();
  }
  // The predicate does not see an event twice. If it throws, `thrown` says what comes of the event.
  Mark look(const T& event, Outcome& thrown, const DeliverySite& site, const Context& context, Tally& tally) {
    if constexpr (!std::is_same_v<P, dispatch_detail::Always>) {
      if (!context.is_again()) {
        try {
          if (!accepts(event)) {
            ++tally.refused;
            return Mark::settled;
          }
        } catch (...) {
          thrown = site.judge(std::current_exception());
          return Mark::threw;
        }
      }
    }
    return Mark::wanted;
  }

  void one(const T& event, DeliverySite& site, Context& context, Tally& tally) {
    context.set_first(&event);
    Outcome outcome;
    const Mark mark = look(event, outcome, site, context, tally);
    if (mark == Mark::threw) return site.settle(context, outcome, tally, DeliverySite::Claim::ask);
    if (mark != Mark::wanted) return;
    if (judges_each(site, context) && !site.admit(context, DeliverySite::Claim::ask, tally)) return;
    try {
      const DeliverySite::HandlerCall running(site, context);
      outcome = call(event, context);
    } catch (...) {
      outcome = site.judge(std::current_exception());
    }
    if (!outcome.is_done()) [[unlikely]] {
      site.settle(context, outcome, tally);
    } else if (judges_each(site, context)) {
      site.done(context, tally);
    } else {
      ++tally.handled;
    }
  }
  Outcome call(const T& event, Context& context) {
    if constexpr (std::invocable<F&, const T&, Context&>) {
      return answer<Outcome>([&] { return handle(event, context); });
    } else {
      return answer<Outcome>([&] { return handle(event); });
    }
  }

  // A run is cut into stretches of events that may run together, anew after each event that failed: it may hold
  // its key.
  void runs(std::span<const T> events, DeliverySite& site, Context& context, Tally& tally) {
    if (std::is_same_v<P, dispatch_detail::Always> && !judges_each(site, context)) {
      const BatchOutcome outcome = call(events, site, context);
      if (outcome.split(static_cast<std::uint32_t>(events.size())).done == events.size()) [[likely]] {
        tally.handled += static_cast<std::uint32_t>(events.size());
        return;
      }
      std::vector<Mark> marks(events.size(), Mark::let_in);
      bool one_by_one = false;
      const std::size_t settled = apply(outcome, events, one_by_one, site, context, tally);
      return stretches(events, settled, one_by_one, marks, site, context, tally);
    }
    std::vector<Mark> marks(events.size(), Mark::fresh);
    stretches(events, 0, false, marks, site, context, tally);
  }
  void stretches(std::span<const T> events, std::size_t at, bool one_by_one, std::vector<Mark>& marks,
                 DeliverySite& site, Context& context, Tally& tally) {
    Outcome thrown;  // of the event before which the present stretch ends
    while (at < events.size() && !tally.ended) {
      const std::size_t most = one_by_one ? at + 1 : events.size();
      std::size_t end = at;
      while (end < most && runs_next(events[end], marks[end], end == at, thrown, site, context, tally)) ++end;
      if (end == at) {
        ++at;
        continue;
      }
      const auto stretch = events.subspan(at, end - at);
      at += apply(call(stretch, site, context), stretch, one_by_one, site, context, tally);
    }
  }
  // An event that is not to run with those before it is settled when it stands in front: what becomes of them comes
  // first, and may change what becomes of it.
  bool runs_next(const T& event, Mark& mark, bool in_front, Outcome& thrown, DeliverySite& site, Context& context,
                 Tally& tally) {
    context.set_first(&event);
    if (mark == Mark::fresh) mark = look(event, thrown, site, context, tally);
    if (mark == Mark::settled) return false;
    if (mark == Mark::threw) {
      if (in_front) site.settle(context, thrown, tally, DeliverySite::Claim::ask);
      return false;
    }
    using Claim = DeliverySite::Claim;
    const Claim claim = mark == Mark::let_in ? Claim::has : Claim::ask;
    if (judges_each(site, context) &&
        !(in_front ? site.admit(context, claim, tally) : site.joins(context, claim))) {
      return false;
    }
    mark = Mark::let_in;
    return true;
  }
  // How many events from the front are settled by what the handler said of the stretch.
  std::size_t apply(const BatchOutcome& outcome, std::span<const T> stretch, bool& one_by_one, DeliverySite& site,
                    Context& context, Tally& tally) {
    const auto split = outcome.split(static_cast<std::uint32_t>(stretch.size()));
    one_by_one = one_by_one || split.one_by_one;
    for (std::uint32_t i = 0; i < split.done; ++i) {
      context.set_first(&stretch[i]);
      site.done(context, tally);
    }
    if (split.settled != 0) {
      context.set_first(&stretch[split.done]);
      site.settle(context, outcome.outcome(), tally);
    }
    return split.done + split.settled;
  }
  BatchOutcome call(std::span<const T> events, DeliverySite& site, Context& context) {
    context.set_first(events.data());
    try {
      const DeliverySite::HandlerCall running(site, context);
      if constexpr (std::invocable<F&, std::span<const T>, Context&>) {
        return answer<BatchOutcome>([&] { return handle(events, context); });
      } else {
        return answer<BatchOutcome>([&] { return handle(events); });
      }
    } catch (...) {
      return site.judge(std::current_exception());
    }
  }

  template <class Answer, class Call>
  static Answer answer(Call&& call) {
    if constexpr (std::convertible_to<std::invoke_result_t<Call>, Answer>) {
      return call();
    } else {
      call();
      return Outcome::done();
    }
  }
};

}  // namespace headrace
