#include "headrace/servicebus/servicebus_entity.hpp"

#include <functional>
#include <limits>
#include <utility>

#include "amqp_message.hpp"
#include "claims.hpp"
#include "connection.hpp"
#include "deferred.hpp"
#include "headrace/port/connection_loop.hpp"
#include "headrace/servicebus/message_headers.hpp"
#include "management.hpp"
#include "requests.hpp"
#include "rule_codec.hpp"
#include "unique_name.hpp"

namespace headrace::servicebus {
namespace {

using Take = std::function<void(pn_message_t*)>;

/// Asks $management, and lets `take` read the answer.
Status ask(Connection& connection, Requests& management, pn_message_t* request, std::string_view doing,
           const Take& take = nullptr) {
  std::optional<Status> answered;
  management.ask(request, [&](const Requests::Answer& answer) {
    if (answer.good() && take) take(answer.message);
    answered = answer.good() ? Status(Nothing{}) : answer.error(doing, connection.where());
  });
  if (Status in = connection.await([&] { return answered.has_value(); }, doing); !in) return in;
  return *answered;
}

/// Connects and lets `speak` ask; what it answers.
Status connected(const ServiceBusOptions& server, const std::string& name,
                 const std::function<Status(Connection&, Requests&)>& speak) {
  const auto address = ServiceBusAddress::of(server, name);
  if (!address) return address.error();
  ConnectionLoop loop({});  // which runs nothing
  auto opened = Connection::open(*address, server, loop);
  if (!opened) return opened.error();
  Connection& connection = **opened;
  Claims claims(connection, *address, server);
  const std::string node = address->entity + "/$management";
  if (server.login == Login::token) {
    claims.ask(address->entity);
    claims.ask(node);
  }
  if (Status in = connection.await([&] { return claims.granted(); }, "asking for access"); !in) return in;
  Requests management(connection, node);
  Status answered = speak(connection, management);
  connection.close();
  return answered;
}

/// Connects, asks one thing, and lets `take` read the answer.
Status ask(const ServiceBusOptions& server, const std::string& name, pn_message_t* request, std::string_view doing,
           const Take& take = nullptr) {
  return connected(server, name, [&](Connection& connection, Requests& management) {
    return ask(connection, management, request, doing, take);
  });
}

}  // namespace

ServiceBusEntity::ServiceBusEntity(ServiceBusOptions server, std::string name)
    : server_(std::move(server)), name_(std::move(name)) {}

Result<std::int64_t> ServiceBusEntity::schedule(Message message,
                                                std::chrono::system_clock::time_point when) const {
  if (!is_carried(message))
    return Error{"the message has more headers than the broker takes", "servicebus entity"};
  servicebus::schedule(message, when);
  std::string id = std::string(kOwnIdPrefix) + unique_name();
  for (const auto& [name, value] : message.headers) {
    if (name == kMessageIdHeader) id = value;
  }
  MessageWriter writer;
  MessageWriter::Marks marks;
  marks.id = id;
  const auto bytes = writer.of(message, marks);
  if (!bytes) return bytes.error();
  const MessagePtr request = management_request("com.microsoft:schedule-message");
  pn_data_t* const body = pn_message_body(request.get());
  pn_data_put_string(body, bytes_of("messages"));
  pn_data_put_list(body);
  pn_data_enter(body);
  pn_data_put_map(body);
  pn_data_enter(body);
  put_text(body, "message-id", id);
  if (!message.key.empty()) put_text(body, "session-id", message.key);
  pn_data_put_string(body, bytes_of("message"));
  pn_data_put_binary(body, bytes_of(*bytes));
  pn_data_exit(body);
  pn_data_exit(body);
  pn_data_exit(body);
  std::vector<std::int64_t> numbers;
  const Status asked = ask(server_, name_, request.get(), "scheduling a message",
                           [&](pn_message_t* answer) { numbers = numbers_of(answer, "sequence-numbers"); });
  if (!asked) return asked.error();
  if (numbers.size() != 1) return Error{"the broker names no number for a scheduled message", "servicebus entity"};
  return numbers.front();
}

Status ServiceBusEntity::cancel(std::int64_t number) const {
  const MessagePtr request = management_request("com.microsoft:cancel-scheduled-message");
  pn_data_t* const body = pn_message_body(request.get());
  pn_data_put_string(body, bytes_of("sequence-numbers"));
  pn_data_put_array(body, false, PN_LONG);
  pn_data_enter(body);
  pn_data_put_long(body, number);
  pn_data_exit(body);
  pn_data_exit(body);
  return ask(server_, name_, request.get(), "cancelling a scheduled message");
}

Status ServiceBusEntity::take_deferred(std::span<const std::int64_t> numbers,
                                       const std::function<Settlement(DeferredMessage&&)>& handle) const {
  if (numbers.empty()) return Nothing{};
  return connected(server_, name_, [&](Connection& connection, Requests& management) -> Status {
    std::vector<LockedMessage> locked;
    const MessagePtr request = deferred_request(numbers);
    const Status taken = ask(connection, management, request.get(), "asking for deferred messages",
                             [&](pn_message_t* answer) { locked = locked_messages_of(answer); });
    if (!taken) return taken;
    MessageReader reader(name_);
    for (const LockedMessage& each : locked) {
      auto incoming = reader.of(each.bytes);
      // One that cannot be read is buried, as by a source.
      const Settlement settlement =
          incoming
              ? handle({incoming->sequence_number, std::move(incoming->message), incoming->deliveries_before + 1})
              : Settlement::reject;
      const MessagePtr told = disposition_request(each.token, settlement);
      if (Status agreed = ask(connection, management, told.get(), "settling a deferred message"); !agreed)
        return agreed;
    }
    return Nothing{};
  });
}

Status ServiceBusEntity::add_rule(const SubscriptionRule& rule) const {
  const MessagePtr request = management_request("com.microsoft:add-rule");
  pn_data_t* const body = pn_message_body(request.get());
  put_text(body, "rule-name", rule.name);
  put_rule(body, rule);
  pn_data_exit(body);
  return ask(server_, name_, request.get(), "adding rule " + rule.name);
}

Status ServiceBusEntity::remove_rule(std::string_view name) const {
  const MessagePtr request = management_request("com.microsoft:remove-rule");
  pn_data_t* const body = pn_message_body(request.get());
  put_text(body, "rule-name", name);
  pn_data_exit(body);
  return ask(server_, name_, request.get(), "removing rule " + std::string(name));
}

Result<std::vector<SubscriptionRule>> ServiceBusEntity::rules() const {
  const MessagePtr request = management_request("com.microsoft:enumerate-rules");
  pn_data_t* const body = pn_message_body(request.get());
  pn_data_put_string(body, bytes_of("top"));
  pn_data_put_int(body, std::numeric_limits<std::int32_t>::max());
  pn_data_put_string(body, bytes_of("skip"));
  pn_data_put_int(body, 0);
  pn_data_exit(body);
  std::vector<SubscriptionRule> rules;
  const Status asked = ask(server_, name_, request.get(), "asking for rules",
                           [&](pn_message_t* answer) { rules = rules_of(answer); });
  if (!asked) return asked.error();
  return rules;
}

Result<std::optional<std::vector<std::byte>>> ServiceBusEntity::session_state(std::string_view session) const {
  const MessagePtr request = management_request("com.microsoft:get-session-state");
  pn_data_t* const body = pn_message_body(request.get());
  put_text(body, "session-id", session);
  pn_data_exit(body);
  std::optional<std::vector<std::byte>> state;
  const Status asked =
      ask(server_, name_, request.get(), "asking for a session's state", [&](pn_message_t* answer) {
        each_entry(pn_message_body(answer), [&](std::string_view name, pn_data_t* value) {
          if (name != "session-state" || pn_data_type(value) != PN_BINARY) return;
          const auto bytes = std::as_bytes(std::span(text_of(pn_data_get_binary(value))));
          state.emplace(bytes.begin(), bytes.end());
        });
      });
  if (!asked) return asked.error();
  return state;
}

Status ServiceBusEntity::set_session_state(std::string_view session,
                                           std::optional<std::span<const std::byte>> state) const {
  const MessagePtr request = management_request("com.microsoft:set-session-state");
  pn_data_t* const body = pn_message_body(request.get());
  put_text(body, "session-id", session);
  pn_data_put_string(body, bytes_of("session-state"));
  if (state) {
    pn_data_put_binary(body, {state->size(), reinterpret_cast<const char*>(state->data())});
  } else {
    pn_data_put_null(body);
  }
  pn_data_exit(body);
  return ask(server_, name_, request.get(), "keeping a session's state");
}

}  // namespace headrace::servicebus
