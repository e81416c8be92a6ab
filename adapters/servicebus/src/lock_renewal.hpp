#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "connection.hpp"
#include "requests.hpp"

namespace headrace::servicebus {

/// A lock token, which is a message's delivery tag: 16 bytes, a GUID as .NET lays it out.
using LockToken = std::array<char, 16>;

/// The same as AMQP lays out a uuid: the first three parts turned round.
[[nodiscard]] pn_uuid_t uuid_of(const LockToken& token) noexcept;

/// Asks an entity's $management node to hold locks for longer. What it calls must live as long as it does.
/// @thread the connection's
class LockRenewal {
 public:
  struct Lock {
    std::uint64_t tag = 0;
    LockToken token{};
  };
  /// `until_ms` since 1970, by the broker's clock; 0: the lock is lost. Not called where the broker cannot tell now.
  using Renewed = std::function<void(std::uint64_t tag, std::int64_t until_ms)>;
  using SessionRenewed = std::function<void(std::int64_t until_ms)>;

  LockRenewal(Connection& connection, const std::string& entity)
      : management_(connection, entity + "/$management") {}

  /// Several at once; where the broker refuses them together, one by one.
  void renew(std::vector<Lock> locks, Renewed renewed);
  void renew_session(const std::string& session, SessionRenewed renewed);
  void look() { management_.look(); }

 private:
  void take(const Requests::Answer& answer, const std::vector<Lock>& locks, const Renewed& renewed);
  Requests management_;
};

}  // namespace headrace::servicebus
