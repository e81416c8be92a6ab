#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "connection.hpp"
#include "requests.hpp"

namespace headrace::servicebus {

/// A lock token, which is a message's delivery tag: 16 bytes, a GUID as .NET lays it out.
using LockToken = std::array<char, 16>;

/// The same as AMQP lays out a uuid: the first three parts turned round.
[[nodiscard]] pn_uuid_t uuid_of(const LockToken& token) noexcept;

/// Asks an entity's $management node to hold locks for longer. @thread the connection's
class LockRenewal {
 public:
  /// `until_ms` since 1970, by the broker's clock; 0: the lock is lost. Not called where the broker cannot tell now.
  using Renewed = std::function<void(std::uint64_t tag, std::int64_t until_ms)>;
  struct Lock {
    std::uint64_t tag = 0;
    LockToken token{};
  };

  LockRenewal(Connection& connection, const std::string& entity, Renewed renewed)
      : connection_(connection), renewed_(std::move(renewed)), management_(connection, entity + "/$management") {}

  /// Several at once; where the broker refuses them together, one by one.
  void renew(std::vector<Lock> locks);
  void look() { management_.look(); }

 private:
  void take(const Requests::Answer& answer, const std::vector<Lock>& locks);

  Connection& connection_;
  const Renewed renewed_;
  Requests management_;
};

}  // namespace headrace::servicebus
