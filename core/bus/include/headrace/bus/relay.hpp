#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/event/event_description.hpp"
#include "headrace/port/source.hpp"

namespace headrace {

class RelayWindow;

/// A broker's message on its way through the bus: shared by all that handle it, and settled with its broker when
/// the last of them has let go of it. The worst answer counts: retry before reject before done. Without any answer
/// it is retried: nobody has taken it. One whose handler has run and not answered has no say when another has.
/// A way that ends unheard, because the bus stopped or nobody is left where it led, answers retry; a dead letter that
/// takes the message's place answers reject, and keeps the message without its broker.
///
/// Threads:  answer() from any; the message does not change.
class Relay {
 public:
  explicit Relay(ReceivedMessage&& received) : received_(std::move(received)) {}
  /// The same, whose outcome the window remembers under this identity.
  Relay(ReceivedMessage&& received, std::shared_ptr<RelayWindow> window, std::string identity);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  [[nodiscard]] const Message& message() const noexcept { return received_.message; }
  [[nodiscard]] bool redelivered() const noexcept { return received_.redelivered; }
  /// The broker's count, from 1; 0: it does not count.
  [[nodiscard]] unsigned attempt() const noexcept { return received_.attempt; }

  void answer(Settlement settlement) noexcept;
  /// As answer() with Settlement::reject, and why. Of several reasons the first goes to the broker's dead letter, where it
  /// keeps one (Capabilities::reject_reason).
  void reject(std::string_view reason) noexcept;

 private:
  enum class Answer : std::uint8_t { none, done, reject, retry };  ///< from the best to the worst
  ReceivedMessage received_;
  std::shared_ptr<RelayWindow> window_;
  std::string identity_;
  std::mutex mutex_;
  Answer worst_ = Answer::none;
  std::string reason_;  ///< of the first rejection that had one
};

/// The event that carries a relay. Handlers of one's own subscribe to it by topic, and answer for what they did. Where
/// they are `deduplicated` what counts is their Outcome: one that leaves the answer to somebody else, for later, is done
/// too early. SourceBridgeOptions::identity and DeduplicatedSource go by the answer.
struct RelayedMessage {
  std::shared_ptr<Relay> relay;
  std::uint64_t key = 0;  ///< of the message's key, or of its topic where it has none

  // As an AnsweredEvent:
  void unhandled() const noexcept { relay->answer(Settlement::retry); }
  void dead_lettered() const noexcept { relay->answer(Settlement::reject); }
  void done_before() const noexcept { relay->answer(Settlement::done); }
  [[nodiscard]] RelayedMessage for_letter() const;
};
HEADRACE_EVENT(RelayedMessage, "headrace.message", key(key))

}  // namespace headrace
