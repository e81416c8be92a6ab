#pragma once

#include <vector>

#include "headrace/servicebus/subscription_rule.hpp"
#include "proton.hpp"

namespace headrace::servicebus {

/// Puts the entry `rule-description` of a request to add `rule`.
void put_rule(pn_data_t* map, const SubscriptionRule& rule);
/// The rules that an answer lists.
[[nodiscard]] std::vector<SubscriptionRule> rules_of(pn_message_t* answer);

}  // namespace headrace::servicebus
