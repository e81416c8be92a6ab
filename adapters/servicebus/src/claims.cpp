#include "claims.hpp"

#include "sas_token.hpp"

namespace headrace::servicebus {
namespace {

constexpr std::string_view kTokenType = "servicebus.windows.net:sastoken";

std::uint64_t token_expiry_s(std::chrono::seconds life) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>((std::chrono::duration_cast<std::chrono::seconds>(now) + life).count());
}

}  // namespace

Claims::Claims(Connection& connection, const ServiceBusAddress& address, const ServiceBusOptions& options)
    : connection_(connection),
      address_(address),
      token_life_(options.token_life),
      renew_at_(Clock::now() + options.token_life / 2),
      cbs_(connection, "$cbs") {}

void Claims::ask(const std::string& entity) {
  entities_.push_back(entity);
  put(entity);
}

void Claims::renew() {
  cbs_.look();
  if (!address_.login.token.empty() || Clock::now() < renew_at_) return;
  renew_at_ = Clock::now() + token_life_ / 2;
  for (const std::string& entity : entities_) put(entity);
}

void Claims::put(const std::string& entity) {
  const std::string audience = "sb://" + address_.login.host + "/" + entity;
  const std::string token =
      !address_.login.token.empty()
          ? address_.login.token
          : sas_token(audience, address_.login.key_name, address_.login.key, token_expiry_s(token_life_));
  const MessagePtr request(pn_message());
  pn_data_t* const properties = pn_message_properties(request.get());
  pn_data_put_map(properties);
  pn_data_enter(properties);
  for (const auto& [name, value] : {std::pair<std::string_view, std::string_view>{"operation", "put-token"},
                                    {"type", kTokenType},
                                    {"name", audience}}) {
    pn_data_put_string(properties, bytes_of(name));
    pn_data_put_string(properties, bytes_of(value));
  }
  pn_data_exit(properties);
  pn_data_put_string(pn_message_body(request.get()), bytes_of(token));
  ++waiting_;
  cbs_.ask(request.get(), [this](const Requests::Answer& answer) {
    --waiting_;
    if (!answer.good()) connection_.fail(answer.error("a token was refused", connection_.where()));
  });
}

}  // namespace headrace::servicebus
