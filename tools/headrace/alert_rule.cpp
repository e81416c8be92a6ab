#include "alert_rule.hpp"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "json_text.hpp"
#include "predicate.hpp"

namespace headrace::program {

AlertRule::AlertRule(Options options)
    : options_(std::move(options)),
      field_(fields_.mentioned().intern(options_.field)),
      threshold_(std::make_shared<Threshold>(options_.side, options_.limit, options_.until)) {
  if (!options_.by.empty()) by_ = fields_.mentioned().intern(options_.by);
}

Result<std::optional<AlertRule::Alert>> AlertRule::look(std::string_view topic, const Message& message) {
  const auto record = fields_.read(message.body);
  if (!record) return record.error();
  double number = 0;
  if (!read_number(record->find(field_).text, number)) return std::optional<Alert>();
  Alert alert;
  alert.key = by_ ? std::string(record->find(*by_).text) : std::string(topic);
  alert.news = threshold_->look(alert.key, number);
  if (alert.news == Threshold::News::none) return std::optional<Alert>();
  alert.message = message_of(alert, number, topic);
  return std::optional<Alert>(std::move(alert));
}

Message AlertRule::message_of(const Alert& alert, double number, std::string_view topic) const {
  std::string text = "{\"alert\":";
  append_json_string(text, options_.name);
  text += fmt::format(",\"state\":\"{}\",\"of\":", to_string(alert.news));
  append_json_string(text, alert.key);
  text += ",\"field\":";
  append_json_string(text, options_.field);
  text += fmt::format(",\"value\":{},\"limit\":{},\"topic\":", number, options_.limit);
  append_json_string(text, topic);
  text += '}';
  Message message;
  message.topic = options_.topic;
  message.key = alert.key;
  message.content_type = "application/json";
  message.headers = {{"alert", std::string(to_string(alert.news))}};
  const auto bytes = std::as_bytes(std::span(text));
  message.body.assign(bytes.begin(), bytes.end());
  return message;
}

}  // namespace headrace::program
