#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/port/message.hpp"
#include "headrace/port/settle.hpp"
#include "headrace/servicebus/servicebus_options.hpp"
#include "headrace/servicebus/subscription_rule.hpp"

namespace headrace::servicebus {

/// A message that was set aside, as the broker gives it out again.
struct DeferredMessage {
  std::int64_t number = 0;
  Message message;
  unsigned attempt = 0;  ///< 1 + the deliveries that the broker counts as failed
};

/// What a program asks of a queue, a topic or a subscription now and then, beside sending and receiving. Each call
/// makes a connection of its own and waits for the answer, `answer_timeout` at most for each step.
///
/// Errors:   the broker's own words; a retry may help where it was not reached, not where it says that the request is at
///           fault (a rule that exists, a message that is not scheduled any more).
/// Threads:  any.
class ServiceBusEntity {
 public:
  /// `name`: as the source and the sink have it; empty: the connection string's EntityPath.
  ServiceBusEntity(ServiceBusOptions server, std::string name);

  /// Of a queue or topic: the message appears at `when`. Answers the number to cancel it by.
  [[nodiscard]] Result<std::int64_t> schedule(Message message, std::chrono::system_clock::time_point when) const;
  /// An error for good when the message has appeared, or was cancelled before.
  [[nodiscard]] Status cancel(std::int64_t number) const;

  /// Of a queue or a subscription without sessions: takes the messages of these numbers, which were deferred before
  /// (Settlement::defer), and tells the broker what `handle` answers for each: done completes it, reject makes it a dead
  /// letter, retry and defer leave it set aside, retry with one more failed delivery. They are locked all at once, so
  /// that `handle` has the entity's lock time for all of them. An error for good when one of the numbers is not set
  /// aside: then none is taken. Any other error leaves those without an outcome set aside when their locks have run out.
  /// `handle` must not throw.
  [[nodiscard]] Status take_deferred(std::span<const std::int64_t> numbers,
                                     const std::function<Settlement(DeferredMessage&&)>& handle) const;

  /// Of a subscription.
  [[nodiscard]] Status add_rule(const SubscriptionRule& rule) const;
  [[nodiscard]] Status remove_rule(std::string_view name) const;
  /// Without those whose filter is of another kind than this adapter knows.
  [[nodiscard]] Result<std::vector<SubscriptionRule>> rules() const;

  /// What a session's consumers leave for the next one, a few kilobytes at most; nothing when nobody left any. The
  /// session must be locked, as a source that holds it does.
  [[nodiscard]] Result<std::optional<std::vector<std::byte>>> session_state(std::string_view session) const;
  /// Nothing: forgets it.
  [[nodiscard]] Status set_session_state(std::string_view session,
                                         std::optional<std::span<const std::byte>> state) const;

 private:
  const ServiceBusOptions server_;
  const std::string name_;
};

}  // namespace headrace::servicebus
