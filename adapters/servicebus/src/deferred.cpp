#include "deferred.hpp"

#include <utility>

#include "management.hpp"

namespace headrace::servicebus {
namespace {

constexpr std::uint32_t kPeekLock = 1;

/// Service Bus's own words, its spelling included.
std::string_view disposition_of(Settlement settlement) {
  switch (settlement) {
    case Settlement::done:
      return "completed";
    case Settlement::retry:
      return "abandoned";
    case Settlement::reject:
      return "suspended";
    case Settlement::defer:
      return "defered";
  }
  return "abandoned";
}

LockedMessage locked_message_at(pn_data_t* map) {
  LockedMessage locked;
  each_entry_here(map, [&](std::string_view name, pn_data_t* value) {
    if (name == "lock-token" && pn_data_type(value) == PN_UUID) locked.token = pn_data_get_uuid(value);
    if (name == "message") locked.bytes = text_at(value).value_or("");
  });
  return locked;
}

}  // namespace

MessagePtr deferred_request(std::span<const std::int64_t> numbers) {
  MessagePtr request = management_request("com.microsoft:receive-by-sequence-number");
  pn_data_t* const body = pn_message_body(request.get());
  pn_data_put_string(body, bytes_of("sequence-numbers"));
  pn_data_put_array(body, false, PN_LONG);
  pn_data_enter(body);
  for (const std::int64_t number : numbers) pn_data_put_long(body, number);
  pn_data_exit(body);
  pn_data_put_string(body, bytes_of("receiver-settle-mode"));
  pn_data_put_uint(body, kPeekLock);
  pn_data_exit(body);
  return request;
}

std::vector<LockedMessage> locked_messages_of(pn_message_t* answer) {
  std::vector<LockedMessage> locked;
  each_entry(pn_message_body(answer), [&](std::string_view name, pn_data_t* value) {
    if (name != "messages" || (pn_data_type(value) != PN_LIST && pn_data_type(value) != PN_ARRAY)) return;
    pn_data_enter(value);
    while (pn_data_next(value)) locked.push_back(locked_message_at(value));
    pn_data_exit(value);
  });
  return locked;
}

MessagePtr disposition_request(const pn_uuid_t& token, Settlement settlement) {
  MessagePtr request = management_request("com.microsoft:update-disposition");
  pn_data_t* const body = pn_message_body(request.get());
  put_text(body, "disposition-status", disposition_of(settlement));
  pn_data_put_string(body, bytes_of("lock-tokens"));
  pn_data_put_array(body, false, PN_UUID);
  pn_data_enter(body);
  pn_data_put_uuid(body, token);
  pn_data_exit(body);
  pn_data_exit(body);
  return request;
}

}  // namespace headrace::servicebus
