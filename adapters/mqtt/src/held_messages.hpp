#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "publish.hpp"

namespace headrace::mqtt {

/// What a source was sent and may not forget yet, in the order in which it came: what waits to be handed over, what is
/// out, and what has its outcome but waits for those before it, since MQTT wants acknowledgements in order.
///
/// Limits: messages of QoS 1 and 2 the broker bounds, by the receive maximum or by its own window. Of QoS 0 no more are
///         kept than the limits say, when nobody takes them.
/// Tags:   number the messages, from 0.
/// QoS 2:  a packet id is known from its message until the broker releases it, over connections of one session. So a
///         message that the broker sends again, since it never heard of its outcome, is not handed over again. What it
///         does not call a copy is another message, and so is a copy behind the release, as MQTT wants it: rather
///         twice than never.
class HeldMessages {
 public:
  struct Limits {
    std::size_t messages_max = 100'000;
    std::size_t bytes_max = std::size_t{64} << 20;
  };
  enum class Added : std::uint8_t {
    taken,
    dropped,  ///< of QoS 0, and there is no room
    known,    ///< of QoS 2, and here already: its outcome will be told
    settled,  ///< of QoS 2, and it had its outcome: to be acknowledged again
  };
  explicit HeldMessages(Limits limits) : limits_(limits) {}

  [[nodiscard]] Added add(IncomingPublish&& publish) {
    if (publish.qos == 2) {
      if (!publish.dup) disown(publish.id);
      if (settled_ids_.contains(publish.id)) return Added::settled;
      const auto [at, is_new] = ids_.try_emplace(publish.id, next_tag_);
      if (!is_new) {
        held_.at(at->second).is_here = true;
        return Added::known;
      }
    }
    if (publish.qos == 0) {
      const std::size_t bytes = message_bytes(publish.message);
      if (held_.size() >= limits_.messages_max || bytes_ + bytes > limits_.bytes_max) return Added::dropped;
      bytes_ += bytes;
    }
    held_.emplace_hint(held_.end(), next_tag_++, Held{std::move(publish)});
    return Added::taken;
  }
  /// The same of a message that nobody is to see, and whose outcome is to be told in its turn.
  [[nodiscard]] Added add_settled(IncomingPublish&& publish) {
    const Added added = add(std::move(publish));
    if (added == Added::taken) settle(next_tag_ - 1);
    return added;
  }
  /// The next to hand over: one that is retried, or else the first that never was.
  [[nodiscard]] bool has_next() const { return !again_.empty() || first_fresh() != held_.end(); }
  /// REQUIRES: has_next(). Its tag.
  [[nodiscard]] std::uint64_t take_next() {
    if (again_.empty()) {
      const std::uint64_t tag = first_fresh()->first;
      fresh_ = tag + 1;
      return tag;
    }
    const std::uint64_t tag = again_.front();
    again_.pop_front();
    return tag;
  }
  /// REQUIRES: handed over and not settled. Counts the times.
  [[nodiscard]] std::pair<const IncomingPublish&, unsigned> deliver(std::uint64_t tag) {
    Held& held = held_.at(tag);
    return {held.publish, ++held.deliveries};
  }
  void retry(std::uint64_t tag) {
    const auto at = held_.find(tag);
    if (at == held_.end()) return;
    at->second.is_stale ? drop(at) : again_.push_back(tag);
  }
  /// It has its outcome. Its content is of no use any more.
  void settle(std::uint64_t tag) {
    const auto at = held_.find(tag);
    if (at == held_.end()) return;
    Held& held = at->second;
    if (held.publish.qos == 0 || held.is_stale) return drop(at);
    held.publish.message = Message();
    held.is_settled = true;
  }
  /// Forgets those at the front that have their outcome; `acknowledge(publish)` for each that the broker waits for.
  template <class Acknowledge>
  void release(Acknowledge acknowledge) {
    while (!held_.empty() && held_.begin()->second.is_settled) {
      const Held& held = held_.begin()->second;
      if (held.publish.qos == 2) {
        settled_ids_.insert(held.publish.id);
        ids_.erase(held.publish.id);
      }
      // Else the broker sends it again first.
      if (held.is_here) acknowledge(held.publish);
      held_.erase(held_.begin());
    }
  }
  /// The broker says of a message of QoS 2 that it will not send it again.
  void forget(std::uint16_t id) { settled_ids_.erase(id); }

  /// The connection is gone and the session is not: of QoS 2 all stays, also what is out; of QoS 1 all comes again, so
  /// that a copy which is out counts for nothing; of QoS 0 all stays.
  void keep_session() {
    for (auto at = held_.begin(); at != held_.end();) {
      Held& held = at->second;
      const auto here = at++;
      held.is_here = held.publish.qos == 0;
      if (held.publish.qos != 1) continue;
      held.is_stale = true;
      const bool is_out = here->first < fresh_ && !held.is_settled &&
                          std::find(again_.begin(), again_.end(), here->first) == again_.end();
      if (!is_out) held_.erase(here);
    }
    std::erase_if(again_, [this](std::uint64_t tag) { return !held_.contains(tag); });
  }
  /// Nobody has messages of it any more, and the broker sends what has no outcome again. Tags go on.
  void let_go() {
    held_.clear();
    again_.clear();
    ids_.clear();
    bytes_ = 0;
    fresh_ = next_tag_;
  }
  /// And the broker knows nothing of an earlier session.
  void forget_session() {
    let_go();
    settled_ids_.clear();
  }

  /// Of QoS 0, now.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Held {
    IncomingPublish publish;
    unsigned deliveries = 0;
    bool is_settled = false;
    bool is_here = true;    ///< the broker sent it in this connection, and so may be answered
    bool is_stale = false;  ///< its connection is gone, and the broker sends it again as another
  };
  using Messages = std::map<std::uint64_t, Held>;
  [[nodiscard]] Messages::const_iterator first_fresh() const {
    auto at = held_.lower_bound(fresh_);
    while (at != held_.end() && at->second.is_settled) ++at;
    return at;
  }
  /// A broker that gives an id to another message has lost what the id was before, as one may that was killed.
  void disown(std::uint16_t id) {
    settled_ids_.erase(id);
    const auto at = ids_.find(id);
    if (at == ids_.end()) return;
    const auto held = held_.find(at->second);
    ids_.erase(at);
    held->second.is_settled ? drop(held) : static_cast<void>(held->second.is_stale = true);
  }
  void drop(Messages::iterator at) {
    if (at->second.publish.qos == 0) bytes_ -= message_bytes(at->second.publish.message);
    held_.erase(at);
  }

  Limits limits_;
  Messages held_;  ///< by tag
  std::deque<std::uint64_t> again_;
  std::uint64_t next_tag_ = 0;
  std::uint64_t fresh_ = 0;                               ///< the first tag that was never handed over
  std::unordered_map<std::uint16_t, std::uint64_t> ids_;  ///< of QoS 2 and held_: the tags
  std::unordered_set<std::uint16_t> settled_ids_;         ///< of QoS 2: acknowledged, and not released
  std::size_t bytes_ = 0;
};

}  // namespace headrace::mqtt
