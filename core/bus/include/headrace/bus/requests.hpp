#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "headrace/bus/bus.hpp"
#include "headrace/event/event_description.hpp"

namespace headrace {

/// Says that a request's time is over: for Requests themselves. Taps see it, too.
struct RequestDeadline {
  EventId request;
};
HEADRACE_EVENT(RequestDeadline, "headrace.request_deadline", request)

struct RequestOptions {
  std::string name = "requests";   ///< of the subscriptions
  std::size_t waiting_max = 4096;  ///< requests without an answer; a further one is refused
};

/// Asks over the bus. Whoever handles `Request` answers by publishing a `Reply` from its handler, with
/// Context::publish and nothing else: the reply then names the request as its cause, and by that it is found. The
/// first reply counts.
///
/// Threads:   ask() from any; answers come on one worker, and must not block it. The blocking ask() not from a
///            handler: the answer could need the very worker that waits.
/// Deadline:  by the bus's clock; the request expires with it, so a handler with delivery options does not see one
///            that nobody waits for any longer. A late reply is left aside.
/// Order:     answers in the order in which replies come.
/// Lifetime:  the bus must outlive it. What waits at its end is answered with an error, also after stop().
template <Event Request, Event Reply>
class Requests {
 public:
  /// Called once for each ask() that returned without an error. Must not throw: the destructor calls it, too.
  using Done = std::function<void(Result<Reply>)>;

  explicit Requests(Bus& bus, RequestOptions options = {}) : bus_(bus), options_(std::move(options)) {
    replies_ = bus.subscribe<Reply>(SubscribeOptions{.name = options_.name},
                                    [waiting = waiting_](const Reply& reply, Context& context) {
                                      if (context.meta() == nullptr) return;
                                      if (auto asked = waiting->take(context.meta()->causation)) {
                                        if (asked->deadline) asked->deadline->cancel();
                                        asked->done(Result<Reply>(reply));
                                      }
                                    });
    deadlines_ = bus.subscribe<RequestDeadline>(SubscribeOptions{.name = options_.name},
                                                [waiting = waiting_](const RequestDeadline& over) {
                                                  if (auto asked = waiting->take(over.request))
                                                    asked->done(late());
                                                });
  }
  ~Requests() {
    replies_ = {};
    deadlines_ = {};
    for (auto& asked : waiting_->take_all())
      asked.done(Error{"nobody waits for answers any longer", options_.name});
  }
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  /// An error: the request was not published, and `done` is not called. With Retry::maybe there was no room.
  [[nodiscard]] Status ask(Request request, std::chrono::nanoseconds deadline, Done done) {
    return ask_by(deadline, std::move(done),
                  [&](const PublishOptions& options) { return bus_.publish(std::move(request), options); });
  }
  /// From inside a handler: the request belongs to the transaction of the event that is being handled.
  [[nodiscard]] Status ask(Context& context, Request request, std::chrono::nanoseconds deadline, Done done) {
    return ask_by(deadline, std::move(done),
                  [&](const PublishOptions& options) { return context.publish(std::move(request), options); });
  }
  /// Waits for the answer; never longer than the deadline, whatever the bus does.
  [[nodiscard]] Result<Reply> ask(Request request, std::chrono::nanoseconds deadline) {
    struct Answer {
      std::mutex mutex;
      std::condition_variable came;
      std::optional<Result<Reply>> result;  // behind mutex
    };
    const auto answer = std::make_shared<Answer>();
    const Status asked = ask(std::move(request), deadline, [answer](Result<Reply> result) {
      const std::lock_guard lock(answer->mutex);
      answer->result.emplace(std::move(result));
      answer->came.notify_one();
    });
    if (!asked) return asked.error();
    std::unique_lock lock(answer->mutex);
    if (!answer->came.wait_for(lock, kLongest < deadline ? kLongest : deadline,
                               [&] { return answer->result.has_value(); }))
      return late();
    return std::move(*answer->result);
  }

  [[nodiscard]] std::size_t waiting() const { return waiting_->size(); }

 private:
  struct Asked {
    Done done;
    std::optional<ScheduledEvent> deadline;
  };
  /// Shared with the handlers.
  class Waiting {
   public:
    [[nodiscard]] bool add(EventId id, Done done, std::size_t waiting_max) {
      const std::lock_guard lock(mutex_);
      if (asked_.size() >= waiting_max) return false;
      asked_.emplace(id, Asked{std::move(done), std::nullopt});
      return true;
    }
    /// The answer may have come already: then the deadline goes.
    void set_deadline(EventId id, ScheduledEvent deadline) {
      {
        const std::lock_guard lock(mutex_);
        if (const auto found = asked_.find(id); found != asked_.end()) {
          found->second.deadline.emplace(std::move(deadline));
          return;
        }
      }
      deadline.cancel();
    }
    [[nodiscard]] std::optional<Asked> take(EventId id) {
      const std::lock_guard lock(mutex_);
      const auto found = asked_.find(id);
      if (found == asked_.end()) return std::nullopt;
      std::optional<Asked> taken(std::move(found->second));
      asked_.erase(found);
      return taken;
    }
    [[nodiscard]] std::vector<Asked> take_all() {
      const std::lock_guard lock(mutex_);
      std::vector<Asked> all;
      for (auto& [id, asked] : asked_) all.push_back(std::move(asked));
      asked_.clear();
      return all;
    }
    [[nodiscard]] std::size_t size() const {
      const std::lock_guard lock(mutex_);
      return asked_.size();
    }

   private:
    struct Hash {
      std::size_t operator()(const EventId& id) const noexcept { return hash_key(id); }
    };
    mutable std::mutex mutex_;
    std::unordered_map<EventId, Asked, Hash> asked_;  // behind mutex_
  };

  /// So that no clock overflows.
  static constexpr std::chrono::nanoseconds kLongest = std::chrono::hours{24 * 365};

  static Error late() { return {"no answer by the deadline", "request", Error::Retry::maybe}; }

  template <class Publish>
  [[nodiscard]] Status ask_by(std::chrono::nanoseconds deadline, Done done, Publish publish) {
    deadline = std::max(deadline, std::chrono::nanoseconds{1});  // zero is "never" to what expires
    const EventId id = EventId::make();
    if (!waiting_->add(id, std::move(done), options_.waiting_max)) return no_room("too many requests wait");
    ScheduledEvent over = bus_.publish_after(deadline, RequestDeadline{id});
    if (!over) return refuse(id, not_published("the deadline", over.status()));
    waiting_->set_deadline(id, std::move(over));
    const PublishResult published = publish(PublishOptions{.id = id, .expires_after = deadline});
    if (!published) return refuse(id, not_published("the request", published.status()));
    if (published.status() == PublishStatus::unrouted)
      return refuse(id, {"nobody handles this request", options_.name});
    return Nothing{};
  }
  /// The deadline may have been quicker; then `done` has been called, and the request counts as asked.
  [[nodiscard]] Status refuse(EventId id, Error error) {
    auto asked = waiting_->take(id);
    if (!asked) return Nothing{};
    if (asked->deadline) asked->deadline->cancel();
    return error;
  }
  [[nodiscard]] Error no_room(std::string what) const {
    return {std::move(what), options_.name, Error::Retry::maybe};
  }
  /// Room comes back; a closed bus stays closed, and a topic stays bad.
  [[nodiscard]] Error not_published(std::string what, PublishStatus status) const {
    const bool room = status == PublishStatus::full || status == PublishStatus::timed_out ||
                      status == PublishStatus::too_many_publishers;
    return {std::move(what) + " was not published: " + std::string(to_string(status)), options_.name,
            room ? Error::Retry::maybe : Error::Retry::no};
  }

  Bus& bus_;
  const RequestOptions options_;
  const std::shared_ptr<Waiting> waiting_ = std::make_shared<Waiting>();
  Subscription replies_, deadlines_;
};

}  // namespace headrace
