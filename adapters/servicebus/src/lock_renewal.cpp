#include "lock_renewal.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "management.hpp"

namespace headrace::servicebus {
namespace {

constexpr std::int64_t kNotFound = 404;
constexpr std::int64_t kGone = 410;

bool is_lost(const Requests::Answer& answer) { return answer.status == kGone || answer.status == kNotFound; }

}  // namespace

pn_uuid_t uuid_of(const LockToken& token) noexcept {
  pn_uuid_t uuid;
  std::ranges::copy(token, uuid.bytes);
  std::reverse(uuid.bytes, uuid.bytes + 4);
  std::reverse(uuid.bytes + 4, uuid.bytes + 6);
  std::reverse(uuid.bytes + 6, uuid.bytes + 8);
  return uuid;
}

void LockRenewal::renew(std::vector<Lock> locks, Renewed renewed) {
  if (locks.empty()) return;
  const MessagePtr request = management_request("com.microsoft:renew-lock");
  pn_data_t* const body = pn_message_body(request.get());
  pn_data_put_string(body, bytes_of("lock-tokens"));
  pn_data_put_array(body, false, PN_UUID);
  pn_data_enter(body);
  for (const Lock& lock : locks) pn_data_put_uuid(body, uuid_of(lock.token));
  pn_data_exit(body);
  pn_data_exit(body);
  management_.ask(request.get(), [this, locks = std::move(locks), renewed = std::move(renewed)](
                                     const Requests::Answer& answer) { take(answer, locks, renewed); });
}

void LockRenewal::take(const Requests::Answer& answer, const std::vector<Lock>& locks, const Renewed& renewed) {
  if (answer.good()) {
    const auto times = numbers_of(answer.message, "expirations");
    for (std::size_t i = 0; i < locks.size() && i < times.size(); ++i) renewed(locks[i].tag, times[i]);
  } else if (locks.size() > 1 && is_lost(answer)) {
    for (const Lock& lock : locks) renew({lock}, renewed);  // one that is lost refuses them all
  } else if (is_lost(answer)) {
    renewed(locks.front().tag, 0);
  }
}

void LockRenewal::renew_session(const std::string& session, SessionRenewed renewed) {
  const MessagePtr request = management_request("com.microsoft:renew-session-lock");
  pn_data_t* const body = pn_message_body(request.get());
  pn_data_put_string(body, bytes_of("session-id"));
  pn_data_put_string(body, bytes_of(session));
  pn_data_exit(body);
  management_.ask(request.get(), [renewed = std::move(renewed)](const Requests::Answer& answer) {
    if (!answer.good()) return is_lost(answer) ? renewed(0) : void();
    each_entry(pn_message_body(answer.message), [&](std::string_view name, pn_data_t* value) {
      if (name == "expiration") renewed(number_at(value).value_or(0));
    });
  });
}

}  // namespace headrace::servicebus
