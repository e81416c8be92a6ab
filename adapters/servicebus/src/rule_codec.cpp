#include "rule_codec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "management.hpp"

namespace headrace::servicebus {
namespace {

// The descriptors of what a broker says about a rule: lists, whose fields stand in this order.
constexpr std::uint64_t kRule = 0x13700000004;       // filter, action, name
constexpr std::uint64_t kSqlFilter = 0x1370000006;  // expression
constexpr std::uint64_t kTrueFilter = 0x1370000007;
constexpr std::uint64_t kCorrelationFilter = 0x1370000009;

/// The fields of a correlation filter: their names in requests, in the order of a list's.
struct NamedField {
  std::string_view name;
  std::string CorrelationFilter::*field;  ///< nullptr: this adapter has no word for it
};
constexpr NamedField kFields[] = {{"correlation-id", &CorrelationFilter::correlation_id},
                                  {"message-id", &CorrelationFilter::message_id},
                                  {"to", nullptr},
                                  {"reply-to", nullptr},
                                  {"label", &CorrelationFilter::topic},
                                  {"session-id", &CorrelationFilter::key},
                                  {"reply-to-session-id", nullptr},
                                  {"content-type", &CorrelationFilter::content_type}};

/// Enters the described list at which `data` stands and answers its descriptor; 0, and enters nothing, for anything else.
std::uint64_t enter_list(pn_data_t* data) {
  if (!pn_data_is_described(data)) return 0;
  pn_data_enter(data);
  std::uint64_t descriptor = 0;
  if (pn_data_next(data) && pn_data_type(data) == PN_ULONG) descriptor = pn_data_get_ulong(data);
  if (pn_data_next(data) && descriptor != 0 && pn_data_type(data) == PN_LIST) {
    pn_data_enter(data);
    return descriptor;
  }
  pn_data_exit(data);
  return 0;
}
void exit_list(pn_data_t* data) {
  pn_data_exit(data);
  pn_data_exit(data);
}

CorrelationFilter read_correlation(pn_data_t* list) {
  CorrelationFilter filter;
  for (const auto& [name, field] : kFields) {
    if (!pn_data_next(list)) return filter;
    if (field != nullptr) filter.*field = text_at(list).value_or("");
  }
  if (!pn_data_next(list)) return filter;
  each_entry_here(list, [&](std::string_view name, pn_data_t* value) {
    filter.headers.emplace_back(name, text_at(value).value_or(""));
  });
  return filter;
}

std::optional<SubscriptionRule> read_rule(pn_data_t* value) {
  const std::uint64_t what = enter_list(value);
  if (what == 0) return std::nullopt;
  SubscriptionRule rule;
  bool known = what == kRule && pn_data_next(value);
  if (const std::uint64_t kind = known ? enter_list(value) : 0; kind != 0) {
    known = kind == kSqlFilter || kind == kTrueFilter || kind == kCorrelationFilter;
    if (kind == kSqlFilter) {
      rule.filter = SqlFilter{pn_data_next(value) ? std::string(text_at(value).value_or("")) : ""};
    } else if (kind == kCorrelationFilter) {
      rule.filter = read_correlation(value);
    }
    exit_list(value);
  } else {
    known = false;
  }
  if (pn_data_next(value) && pn_data_next(value)) rule.name = text_at(value).value_or("");  // behind the action
  exit_list(value);
  return known ? std::optional(std::move(rule)) : std::nullopt;
}

void put_filter(pn_data_t* map, const CorrelationFilter& filter) {
  pn_data_put_string(map, bytes_of("correlation-filter"));
  pn_data_put_map(map);
  pn_data_enter(map);
  for (const auto& [name, field] : kFields) {
    if (field != nullptr && !(filter.*field).empty()) put_text(map, name, filter.*field);
  }
  if (!filter.headers.empty()) {
    pn_data_put_string(map, bytes_of("properties"));
    pn_data_put_map(map);
    pn_data_enter(map);
    for (const auto& [name, value] : filter.headers) put_text(map, name, value);
    pn_data_exit(map);
  }
  pn_data_exit(map);
}
void put_filter(pn_data_t* map, const SqlFilter& filter) {
  pn_data_put_string(map, bytes_of("sql-filter"));
  pn_data_put_map(map);
  pn_data_enter(map);
  put_text(map, "expression", filter.expression);
  pn_data_exit(map);
}

}  // namespace

void put_rule(pn_data_t* map, const SubscriptionRule& rule) {
  pn_data_put_string(map, bytes_of("rule-description"));
  pn_data_put_map(map);
  pn_data_enter(map);
  std::visit([map](const auto& filter) { put_filter(map, filter); }, rule.filter);
  pn_data_exit(map);
}

std::vector<SubscriptionRule> rules_of(pn_message_t* answer) {
  std::vector<SubscriptionRule> rules;
  each_entry(pn_message_body(answer), [&](std::string_view name, pn_data_t* list) {
    if (name != "rules" || (pn_data_type(list) != PN_LIST && pn_data_type(list) != PN_ARRAY)) return;
    pn_data_enter(list);
    while (pn_data_next(list)) {
      each_entry_here(list, [&](std::string_view each, pn_data_t* value) {
        if (each != "rule-description") return;
        if (auto rule = read_rule(value)) rules.push_back(std::move(*rule));
      });
    }
    pn_data_exit(list);
  });
  return rules;
}

}  // namespace headrace::servicebus
