#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "proton.hpp"

namespace headrace::servicebus {

// What requests to an entity's $management node, and the answers, have in common.

/// A request whose body is a map that the caller fills in, and leaves with pn_data_exit().
[[nodiscard]] MessagePtr management_request(std::string_view operation);
void put_text(pn_data_t* map, std::string_view name, std::string_view value);
/// The entry `name` of the answer's map, an array of numbers or times.
[[nodiscard]] std::vector<std::int64_t> numbers_of(pn_message_t* answer, std::string_view name);

}  // namespace headrace::servicebus
