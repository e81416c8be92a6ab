#pragma once

#include <memory>
#include <optional>
#include <string>

#include "body_fields.hpp"
#include "headrace/base/result.hpp"
#include "headrace/port/message.hpp"
#include "threshold.hpp"

namespace headrace::program {

/// What a route tells on a topic of its own when a number in its bodies passes a limit, and when that is over.
/// Threads:  look() one at a time; copies share what has been told.
class AlertRule {
 public:
  struct Options {
    std::string name;   ///< the route's
    std::string field;  ///< the body's, a number
    std::string by;     ///< the body's field whose values are looked at each for itself; empty: topics are
    std::string topic;  ///< of the alerts
    Threshold::Side side = Threshold::Side::above;
    double limit = 0;
    double until = 0;
  };
  explicit AlertRule(Options options);

  struct Alert {
    std::string key;  ///< what the number is of
    Threshold::News news = Threshold::News::none;
    Message message;
  };
  /// Nothing when there is no news: no such field in the body, no number in it, nothing that changed. A body that
  /// BodyFields cannot read is an error.
  [[nodiscard]] Result<std::optional<Alert>> look(std::string_view topic, const Message& message);
  [[nodiscard]] const std::string& topic() const noexcept { return options_.topic; }
  [[nodiscard]] const std::shared_ptr<Threshold>& threshold() const noexcept { return threshold_; }

 private:
  [[nodiscard]] Message message_of(const Alert& alert, double number, std::string_view topic) const;

  Options options_;
  BodyFields fields_;
  FieldId field_;
  std::optional<FieldId> by_;
  std::shared_ptr<Threshold> threshold_;
};

}  // namespace headrace::program
