#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "connection.hpp"
#include "proton.hpp"

namespace headrace::servicebus {

/// Asks a node of the broker ($cbs, QUEUE/$management) and takes its answers: a link each way.
/// @thread the connection's
class Requests final : private LinkEvents {
 public:
  struct Answer {
    std::int64_t status = 0;  ///< as HTTP's
    std::string words;
    pn_message_t* message = nullptr;  ///< valid during the call

    [[nodiscard]] bool good() const noexcept { return status >= 200 && status < 300; }
    /// As an error: for good where HTTP says that the request is at fault.
    [[nodiscard]] Error error(std::string_view doing, const std::string& where) const;
  };
  using Answered = std::function<void(const Answer&)>;

  Requests(Connection& connection, std::string node);
  ~Requests() override;
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  [[nodiscard]] bool opened() const noexcept { return opened_ == 2; }
  /// Sends `request`, of which the caller has filled in properties and body; it may come before opened().
  void ask(pn_message_t* request, Answered answered);
  /// An answer that is late breaks the connection: to be called now and then.
  void look();

 private:
  using Clock = std::chrono::steady_clock;
  struct Asked {
    Answered answered;
    Clock::time_point at;
  };
  void opened(pn_link_t* link) override;
  void delivered(pn_delivery_t* delivery) override;
  void take(pn_delivery_t* delivery);

  Connection& connection_;
  const std::string node_;
  const std::string reply_to_;
  pn_link_t* sender_ = nullptr;
  pn_link_t* receiver_ = nullptr;
  int opened_ = 0;
  std::uint64_t numbered_ = 0;
  std::unordered_map<std::string, Asked> asked_;
  std::string buffer_;
};

}  // namespace headrace::servicebus
