#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "amqp_message.hpp"
#include "connection.hpp"
#include "headrace/port/settle.hpp"
#include "lock_renewal.hpp"

namespace headrace::servicebus {

/// One receiving link of an entity, by peek-lock: of the whole queue, or of one session after another.
///
/// Invariant: messages that are held and credit together are at most `unsettled_max`.
/// @thread the connection's
class Receiver final : private LinkEvents {
 public:
  struct Options {
    std::string entity;
    std::size_t unsettled_max = 0;
    std::chrono::seconds lock_renewal{0};
    std::string reject_reason;
    bool sessions = false;
    std::string session;  ///< the only one; empty: the next that is free, and then another
    std::chrono::milliseconds session_idle{0};
  };
  struct Host {
    /// A message came, and its outcome is owed under this tag.
    std::function<void(IncomingMessage&&, std::uint64_t tag)> arrived;
    std::function<void()> lock_lost;
  };

  /// `index`, below 256, is the tags' lowest byte.
  Receiver(Connection& connection, Options options, std::uint8_t index, Host host);
  ~Receiver() override;
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  [[nodiscard]] static std::size_t index_of(std::uint64_t tag) noexcept { return tag & 0xff; }
  [[nodiscard]] bool opened() const noexcept { return opened_; }
  /// One without a message for a while goes, and the next session comes: to be called now and then.
  void change_session();
  /// As much credit as may be out less what is; without `wanted` what was given is taken back.
  void give_credit(bool wanted);
  [[nodiscard]] bool has_credit() const noexcept { return opened_ && pn_link_credit(link_) > 0; }
  /// Tells the broker an outcome, and why it is rejected; nothing for what is not held any more.
  void settle(std::uint64_t tag, Settlement settlement, std::string_view reason = {});
  /// Gives back what has no outcome.
  void abandon_rest();
  /// The broker knows every outcome.
  [[nodiscard]] bool settled() const noexcept { return held_.empty(); }
  void renew_locks(LockRenewal& locks);

 private:
  using Clock = std::chrono::steady_clock;
  /// A message whose outcome the broker does not know.
  struct Held {
    pn_delivery_t* delivery = nullptr;
    LockToken token{};
    Clock::time_point renew_at = Clock::time_point::max();
    Clock::time_point renew_until = Clock::time_point::min();
    bool told = false;
  };

  void open();
  void leave();
  void opened(pn_link_t* link) override;
  void delivered(pn_delivery_t* delivery) override;
  [[nodiscard]] Status closed(pn_link_t* link, Error reason) override;
  void take(pn_delivery_t* delivery, std::string_view bytes);
  void answered(pn_delivery_t* delivery, std::uint64_t tag);
  void tell(Held& held, Settlement settlement, std::string_view reason = {});
  void renew_message_locks(LockRenewal& locks, Clock::time_point now);
  void renew_session_lock(LockRenewal& locks, Clock::time_point now);

  Connection& connection_;
  const Options options_;
  const std::uint8_t index_;
  const Host host_;
  MessageReader reader_;
  std::string buffer_;
  std::unordered_map<std::uint64_t, Held> held_;
  std::uint64_t numbered_ = 0;
  pn_link_t* link_ = nullptr;
  bool opened_ = false;
  Clock::time_point open_at_ = Clock::time_point::max();  ///< when there is no link: when to ask for one
  Clock::time_point active_at_{};                         ///< when a message last came or went
  std::string session_;
  Clock::time_point renew_session_at_ = Clock::time_point::max();
};

}  // namespace headrace::servicebus
