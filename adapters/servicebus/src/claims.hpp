#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "connection.hpp"
#include "requests.hpp"

namespace headrace::servicebus {

/// What a connection may do: tokens for entities, put to $cbs and put again before they end. A refused one breaks
/// the connection. @thread the connection's
class Claims {
 public:
  Claims(Connection& connection, const ServiceBusAddress& address, const ServiceBusOptions& options);

  /// Asks for `entity`; granted() tells when all that was asked for has been.
  void ask(const std::string& entity);
  [[nodiscard]] bool granted() const noexcept { return waiting_ == 0; }
  /// Puts what is due again: to be called now and then.
  void renew();

 private:
  using Clock = std::chrono::steady_clock;
  void put(const std::string& entity);

  Connection& connection_;
  const ServiceBusAddress& address_;
  const std::chrono::seconds token_life_;
  std::vector<std::string> entities_;
  Clock::time_point renew_at_;
  unsigned waiting_ = 0;
  Requests cbs_;
};

}  // namespace headrace::servicebus
