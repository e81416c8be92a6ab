#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace headrace::mqtt {

/// The packet ids of what a sink sent and the broker has not taken for good: a message keeps its id over the
/// connections of one session, so that the broker knows it again.
class SentMessages {
 public:
  enum class Stage : std::uint8_t {
    published,  ///< the broker may have it
    released,   ///< of QoS 2: the broker has it, and was told to forget its id
  };
  struct Sent {
    std::uint64_t number = 0;  ///< of the buffer
    Stage stage = Stage::published;
  };

  /// An id for a message that is sent for the first time. REQUIRES: fewer than 65,535 have one.
  std::uint16_t add(std::uint64_t number) {
    do {
      if (++last_id_ == 0) last_id_ = 1;
    } while (sent_.contains(last_id_));
    sent_.emplace(last_id_, Sent{number});
    ++under_way_;
    return last_id_;
  }
  /// The id that the message had in an earlier connection of this session; it counts as sent again.
  [[nodiscard]] std::optional<std::uint16_t> sent_before(std::uint64_t number) {
    const auto at = earlier_.find(number);
    if (at == earlier_.end()) return std::nullopt;
    const std::uint16_t id = at->second;
    earlier_.erase(at);
    ++under_way_;
    return id;
  }
  /// nullptr: unknown.
  [[nodiscard]] Sent* find(std::uint16_t id) {
    const auto at = sent_.find(id);
    return at == sent_.end() ? nullptr : &at->second;
  }
  /// REQUIRES: known.
  void erase(std::uint16_t id) {
    const auto at = sent_.find(id);
    if (earlier_.erase(at->second.number) == 0) --under_way_;
    sent_.erase(at);
  }
  /// In this connection.
  [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }

  /// A new connection to the session that knows all of these.
  void resume() {
    earlier_.clear();
    for (const auto& [id, sent] : sent_) earlier_.emplace(sent.number, id);
    under_way_ = 0;
  }
  /// A new connection to a broker that knows none.
  void clear() {
    sent_.clear();
    resume();
  }

 private:
  std::unordered_map<std::uint16_t, Sent> sent_;
  std::unordered_map<std::uint64_t, std::uint16_t> earlier_;  ///< by number: ids of what is to be sent again
  std::uint16_t last_id_ = 0;
  std::size_t under_way_ = 0;
};

}  // namespace headrace::mqtt
