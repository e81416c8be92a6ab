#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "headrace/port/event_store.hpp"
#include "headrace/port/health.hpp"
#include "headrace/port/sink.hpp"

namespace headrace {

struct StoreSinkOptions {
  std::string stream = {};  ///< of every message; empty: a stream for each topic
  /// The header whose text tells copies apart: a copy is stored once, and confirmed each time. A UUID is the event's id;
  /// of another text the id is made, by a hash that keeps honest senders apart, not forgers. Empty: every message is
  /// an event of its own.
  std::string identity = {};
  std::size_t unconfirmed_max = 10'000;
  HealthBoard::Changed on_health = nullptr;
};

/// Sink to an event store: each message becomes an event with its topic, key, headers, content type and body, and is
/// done when the store has it. Messages that wait for the store share its commits.
///
/// Errors:   a message that no store takes (a topic as a stream's name that is too long, a body over 64 MiB) is answered
///           with an error that no retry helps. When the store itself has stopped (a disk that failed) the sink gives
///           up and answers `maybe`: such messages stay with whoever sent them.
/// Threads:  any. Confirms come on the store's thread: they must not call send().
/// Lifetime: the store's done functions outlive the sink, so the store may.
class StoreSink final : public Sink {
 public:
  StoreSink(std::shared_ptr<EventStore> store, StoreSinkOptions options = {});
  ~StoreSink() override;

  [[nodiscard]] Status start() override;
  [[nodiscard]] SendResult send(Message&& message, Confirm confirm) override;
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds deadline) override;
  /// What the store has taken it answers: at the deadline its messages are not confirmed with an error, but late.
  std::size_t stop(std::chrono::milliseconds deadline) override;
  [[nodiscard]] Health health() const override;
  [[nodiscard]] Capabilities capabilities() const override;

 private:
  struct State;
  [[nodiscard]] AppendRequest request_of(Message&& message) const;

  const std::shared_ptr<EventStore> store_;
  const StoreSinkOptions options_;
  const std::shared_ptr<State> state_;
};

}  // namespace headrace
