#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

#include "headrace/base/result.hpp"
#include "headrace/port/message.hpp"
#include "headrace/port/sink.hpp"

namespace headrace {

/// The bounded buffer of a sink: what waits, and what was sent and is not confirmed. For adapters.
///
/// Invariant: messages leave by next() in the order put; after send_again() those unconfirmed come first, in order.
/// Threads:   put, wait_for_room, close, wait_until_empty, size from any; the rest from the sink's thread. Confirms
///            run on the caller of confirm() and abandon(), outside of the lock.
class SendBuffer {
 public:
  struct Limits {
    std::size_t messages_max = 10'000;
    std::size_t bytes_max = std::size_t{64} << 20;
    std::size_t window = 1'000;  ///< sent and not confirmed
  };
  struct Item {
    std::uint64_t number = 0;  ///< from 1, in the order put
    Message message;
    Sink::Confirm confirm;
    bool sent_before = false;
  };

  explicit SendBuffer(Limits limits) : limits_(limits) {}

  void open();
  /// `woken` is called after a message was put, outside of the lock. Before open().
  void on_put(std::function<void()> woken) { woken_ = std::move(woken); }
  [[nodiscard]] SendResult put(Message&& message, Sink::Confirm confirm);
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds deadline);
  /// put() answers closed from now on.
  void close();
  [[nodiscard]] bool wait_until_empty(std::chrono::milliseconds deadline);
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t in_flight() const;

  /// The next message to send, within the window; nullptr if there is none. Valid until it is confirmed.
  [[nodiscard]] const Item* next();
  /// The broker's answer to message `number`; one that is not in flight is ignored.
  void confirm(std::uint64_t number, const Status& answer);
  /// The same answer to all in flight up to `number`.
  void confirm_up_to(std::uint64_t number, const Status& answer);
  /// The connection broke: what is in flight waits again.
  void send_again();
  /// Waits for confirms that run on other threads, then confirms everything with the error; answers how many that
  /// were. Not from inside a confirm.
  std::size_t abandon(const Error& error);

 private:
  void settle(std::deque<Item> items, const Status& answer);
  [[nodiscard]] bool has_room() const noexcept {
    return waiting_.size() + flying_ < limits_.messages_max && bytes_ < limits_.bytes_max;
  }

  const Limits limits_;
  std::function<void()> woken_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Item> waiting_;
  std::deque<Item>
      sent_;  ///< by number; a confirmed one stays as a hole (number 0) until those before it are gone
  std::size_t flying_ = 0;  ///< of sent_, without holes
  std::size_t bytes_ = 0;
  std::size_t settling_ = 0;  ///< threads that run confirms now
  std::uint64_t numbered_ = 0;
  bool open_ = false;
};

}  // namespace headrace
