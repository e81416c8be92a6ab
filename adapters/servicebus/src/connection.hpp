#pragma once

#include <proton/connection_driver.h>
#include <proton/link.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/port/connection_loop.hpp"
#include "headrace/servicebus/servicebus_options.hpp"

namespace headrace::servicebus {

/// What happens to a link; called from Connection::exchange(), on its thread.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  /// The peer has taken the link. Not called for one that it refuses.
  virtual void opened(pn_link_t*) {}
  /// A message came, whole or in part; or the peer said something about one.
  virtual void delivered(pn_delivery_t* delivery) = 0;
  /// The peer ended the link, or refused it. An error that is returned breaks the connection.
  [[nodiscard]] virtual Status closed(pn_link_t*, Error reason) { return reason; }
};

/// One AMQP 1.0 connection with one session, for one thread, which never blocks in it. Proton is driven without
/// its own loop: this class moves bytes between its engine and a socket. After an error it is broken.
class Connection {
 public:
  /// Connects, and begins to log in; what the peer thinks of that comes with exchange().
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const ServiceBusAddress& address,
                                                                const ServiceBusOptions& options,
                                                                ConnectionLoop& loop);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] pn_session_t* session() const noexcept { return session_; }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  [[nodiscard]] std::chrono::milliseconds answer_timeout() const noexcept { return answer_timeout_; }
  /// `events` must outlive the connection, or forget().
  void watch(pn_link_t* link, LinkEvents& events);
  static void forget(pn_link_t* link);

  /// Sends and receives what goes without waiting; whether anything came or went.
  [[nodiscard]] Result<bool> exchange();
  /// Until there may be something to do, or `most`.
  void wait(std::chrono::milliseconds most);
  /// Exchanges until `done` says so; an error when it has not within the time for answers, or the loop halts.
  template <class Done>
  [[nodiscard]] Status await(Done done, std::string_view doing) {
    const auto deadline = Clock::now() + answer_timeout_;
    for (loop_.waker()->begin(); !done(); loop_.waker()->begin()) {
      if (loop_.halting()) return Error{"stopped while " + std::string(doing), where_, Error::Retry::maybe};
      if (Clock::now() >= deadline) return late(doing);
      auto moved = exchange();
      if (!moved) return moved.error();
      if (!*moved) wait(kLookAgain);
    }
    return Nothing{};
  }
  /// The same while the loop halts already, and not for long.
  template <class Done>
  [[nodiscard]] Status finish(Done done, std::string_view doing) {
    const auto deadline = Clock::now() + std::min(answer_timeout_, kFinish);
    while (!done()) {
      if (Clock::now() >= deadline) return late(doing);
      auto moved = exchange();
      if (!moved) return moved.error();
      if (!*moved) wait(kLookAgain);
    }
    return Nothing{};
  }
  /// The next exchange() answers with it.
  void fail(Error error);
  void closed(Error reason);
  /// Says goodbye and waits a moment for the answer, so that what was sent before is taken.
  void close();

  [[nodiscard]] Error late(std::string_view doing) const;
  /// What the peer says went wrong, and whether a retry can help.
  [[nodiscard]] Error error_of(pn_condition_t* condition, std::string_view otherwise) const;

 private:
  using Clock = std::chrono::steady_clock;
  /// How long a thread waits at most before it looks at everything again.
  static constexpr std::chrono::milliseconds kLookAgain{250};
  /// What stopping waits for at most.
  static constexpr std::chrono::milliseconds kFinish{2'000};

  Connection(int fd, const ServiceBusAddress& address, const ServiceBusOptions& options, ConnectionLoop& loop);
  [[nodiscard]] Status set_up(const ServiceBusAddress& address, const ServiceBusOptions& options);
  [[nodiscard]] Status set_up_tls(const ServiceBusAddress& address, const ServiceBusOptions& options);
  [[nodiscard]] Result<bool> read();
  [[nodiscard]] Result<bool> write();
  void handle(pn_event_t* event);
  void handle_closed(pn_link_t* link);

  const int fd_;
  const std::string where_;
  const std::chrono::milliseconds answer_timeout_;
  bool was_taken_ = false;  ///< some link was: the login was good
  ConnectionLoop& loop_;
  pn_connection_driver_t driver_{};
  pn_session_t* session_ = nullptr;
  std::optional<Error> failure_;
};

}  // namespace headrace::servicebus
