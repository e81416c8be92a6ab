#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "publish.hpp"

namespace headrace::mqtt {

/// What a source was sent and may not forget yet, in the order in which it came: what waits to be handed over, what is
/// out, and what has its outcome but waits for those before it, since MQTT wants acknowledgements in order.
///
/// Limits: messages of QoS 1 the broker bounds, by the receive maximum or by its own window. Of QoS 0 no more are kept
///         than the limits say, when nobody takes them.
/// Tags:   number the messages of a connection, from 0.
class HeldMessages {
 public:
  struct Limits {
    std::size_t messages_max = 100'000;
    std::size_t bytes_max = std::size_t{64} << 20;
  };
  explicit HeldMessages(Limits limits) : limits_(limits) {}

  /// False: of QoS 0, and there is no room.
  bool add(IncomingPublish&& publish) {
    const bool bounded = publish.id == 0;
    const std::size_t bytes = bounded ? message_bytes(publish.message) : 0;
    if (bounded && (held_.size() >= limits_.messages_max || bytes_ + bytes > limits_.bytes_max)) return false;
    bytes_ += bytes;
    held_.push_back({std::move(publish), 0, false});
    return true;
  }
  /// The next to hand over: one that is retried, or else the first that never was.
  [[nodiscard]] bool has_next() const noexcept { return !again_.empty() || fresh_ < first_ + held_.size(); }
  /// REQUIRES: has_next(). Its tag.
  [[nodiscard]] std::uint64_t take_next() {
    if (again_.empty()) return fresh_++;
    const std::uint64_t tag = again_.front();
    again_.pop_front();
    return tag;
  }
  /// REQUIRES: handed over and not settled. Counts the times.
  [[nodiscard]] std::pair<const IncomingPublish&, unsigned> deliver(std::uint64_t tag) {
    Held& held = at(tag);
    return {held.publish, ++held.deliveries};
  }
  void retry(std::uint64_t tag) { again_.push_back(tag); }
  /// It has its outcome. Its content is of no use any more.
  void settle(std::uint64_t tag) {
    Held& held = at(tag);
    if (held.publish.id == 0) bytes_ -= message_bytes(held.publish.message);
    held.publish.message = Message();
    held.settled = true;
  }
  /// Forgets those at the front that have their outcome; `acknowledge(id)` for each that the broker waits for.
  template <class Acknowledge>
  void release(Acknowledge acknowledge) {
    for (; !held_.empty() && held_.front().settled; held_.pop_front(), ++first_) {
      if (held_.front().publish.id != 0) acknowledge(held_.front().publish.id);
    }
  }
  /// Of QoS 0, now.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Held {
    IncomingPublish publish;
    unsigned deliveries = 0;
    bool settled = false;
  };
  [[nodiscard]] Held& at(std::uint64_t tag) { return held_[static_cast<std::size_t>(tag - first_)]; }

  Limits limits_;
  std::deque<Held> held_;
  std::deque<std::uint64_t> again_;
  std::uint64_t first_ = 0;  ///< the tag of held_'s first
  std::uint64_t fresh_ = 0;  ///< the first that was never handed over
  std::size_t bytes_ = 0;
};

}  // namespace headrace::mqtt
