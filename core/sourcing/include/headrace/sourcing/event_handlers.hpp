#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "headrace/base/result.hpp"
#include "headrace/port/event_query.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/port/event_types.hpp"

namespace headrace {

/// What to do with the events of a store, by type: they come as typed values of the present version, old ones through
/// the upcasters of the EventTypes. It is a function of a stored event, which goes wherever one is asked for:
///
///     kind.fold = hr::EventHandlers<Account&>(types)                                an aggregate's fold
///                     .on<Deposited>([](Account& account, const Deposited& event) { … });
///     hr::EventHandlers<> sales(types);                                             a projection's handler
///     sales.on<Sold>([&](const Sold& event, const hr::StoredEvent& stored) -> hr::Status { … });
///     hr::Projection live(store, {.name = "sales", .query = sales.query()},
///                         hr::checkpoint_after(checkpoints, "sales", sales));
///     store.read_model("sales", hr::EventHandlers<hr::SqliteTransaction&>(types).on<Sold>(…))
///
/// A handler answers a Status, or nothing. Events of other topics are left aside.
/// Errors:   bytes that are no event of the type, or of a newer version than known: the error names type and versions,
///           and whoever reads says where the event stands. An aggregate is not loaded then, and a projection stops.
/// Threads:  on() at start-up; calls from any, if the handlers are callable from any.
/// @tparam Subject  what else a handler gets, in front of the event
template <class... Subject>
class EventHandlers {
 public:
  /// Throws ConfigError without types.
  explicit EventHandlers(std::shared_ptr<const EventTypes> types) : types_(std::move(types)) {
    if (types_ == nullptr) throw ConfigError("handlers of stored events need types");
  }

  /// Of the events under the type's own topic. Throws ConfigError for a type that is not among the types, and for a
  /// topic that has a handler.
  template <Event T, class F>
  requires DescribedEvent<T> EventHandlers& on(F handle) {
    return on<T>(std::string(event_topic<T>()), std::move(handle));
  }
  /// Of those under another topic.
  template <Event T, class F>
  requires DescribedEvent<T> EventHandlers& on(std::string topic, F handle) {
    if (const auto known = types_->name_of(event_type_id<T>()); !known) {
      throw ConfigError("handlers of stored events, '" + topic + "': " + known.error().message());
    }
    if (handlers_.contains(topic)) throw ConfigError("two handlers for stored events of '" + topic + "'");
    handlers_.emplace(
        std::move(topic),
        [types = types_, handle = std::move(handle)](Subject... subject, const StoredEvent& stored) -> Status {
          const Result<T> event = types->template decode<T>(stored.event);
          if (!event) return without_topic(event.error(), stored);
          if constexpr (std::invocable<const F&, Subject..., const T&, const StoredEvent&>) {
            return status_of([&] { return handle(std::forward<Subject>(subject)..., *event, stored); });
          } else {
            return status_of([&] { return handle(std::forward<Subject>(subject)..., *event); });
          }
        });
    return *this;
  }

  Status operator()(Subject... subject, const StoredEvent& stored) const {
    const auto found = handlers_.find(stored.event.envelope.topic);
    return found == handlers_.end() ? Status(Nothing{}) : found->second(std::forward<Subject>(subject)..., stored);
  }

  /// The events that have a handler.
  [[nodiscard]] EventQuery query() const {
    EventQuery::Item item;
    for (const auto& [topic, handler] : handlers_) item.topics.push_back(TopicFilter::exactly(topic));
    return {{std::move(item)}};
  }

 private:
  /// Whoever says where the event stands says its topic, too.
  static Error without_topic(Error error, const StoredEvent& stored) {
    if (error.where == stored.event.envelope.topic) error.where.clear();
    return error;
  }
  template <class Call>
  static Status status_of(Call&& call) {
    if constexpr (std::is_void_v<std::invoke_result_t<Call>>) {
      call();
      return Nothing{};
    } else {
      return call();
    }
  }

  std::shared_ptr<const EventTypes> types_;
  std::map<std::string, std::function<Status(Subject..., const StoredEvent&)>> handlers_;
};

}  // namespace headrace
