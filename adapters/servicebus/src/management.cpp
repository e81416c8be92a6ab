#include "management.hpp"

namespace headrace::servicebus {

MessagePtr management_request(std::string_view operation) {
  MessagePtr request(pn_message());
  pn_data_t* const properties = pn_message_properties(request.get());
  pn_data_put_map(properties);
  pn_data_enter(properties);
  put_text(properties, "operation", operation);
  pn_data_exit(properties);
  pn_data_t* const body = pn_message_body(request.get());
  pn_data_put_map(body);
  pn_data_enter(body);
  return request;
}

void put_text(pn_data_t* map, std::string_view name, std::string_view value) {
  pn_data_put_string(map, bytes_of(name));
  pn_data_put_string(map, bytes_of(value));
}

std::vector<std::int64_t> numbers_of(pn_message_t* answer, std::string_view wanted) {
  std::vector<std::int64_t> numbers;
  each_entry(pn_message_body(answer), [&](std::string_view name, pn_data_t* value) {
    if (name != wanted || (pn_data_type(value) != PN_ARRAY && pn_data_type(value) != PN_LIST)) return;
    pn_data_enter(value);
    while (pn_data_next(value)) numbers.push_back(number_at(value).value_or(0));
    pn_data_exit(value);
  });
  return numbers;
}

}  // namespace headrace::servicebus
