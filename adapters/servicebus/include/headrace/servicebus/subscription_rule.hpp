#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace headrace::servicebus {

/// Takes messages in which all that it names is equal; an empty text names nothing, and a filter of none takes all.
struct CorrelationFilter {
  std::string topic = {};  ///< the subject, which Service Bus also calls label
  std::string key = {};    ///< the session id
  std::string message_id = {};
  std::string correlation_id = {};
  std::string content_type = {};
  std::vector<std::pair<std::string, std::string>> headers = {};

  friend bool operator==(const CorrelationFilter&, const CorrelationFilter&) = default;
};

/// Takes messages for which the broker finds it true: "sys.Label LIKE 'orders.%' AND land = 'at'".
struct SqlFilter {
  std::string expression;

  friend bool operator==(const SqlFilter&, const SqlFilter&) = default;
};

/// By its rules a subscription takes messages of its topic: those that any of them takes. A new one has the rule
/// `$Default`, which takes all.
struct SubscriptionRule {
  std::string name;
  std::variant<CorrelationFilter, SqlFilter> filter;

  friend bool operator==(const SubscriptionRule&, const SubscriptionRule&) = default;
};

}  // namespace headrace::servicebus
