#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/bus/sink_bridge.hpp"
#include "headrace/bus/source_bridge.hpp"

namespace headrace::test {

/// A source without a broker: the test hands messages in and sees how each was settled.
class HandSource final : public Source, private SettlementTarget {
 public:
  [[nodiscard]] Status start(Deliver deliver) override {
    deliver_ = std::move(deliver);
    return Nothing{};
  }
  void pause() override { is_paused_ = true; }
  void resume() override { is_paused_ = false; }
  [[nodiscard]] bool is_paused() const { return is_paused_; }
  std::size_t stop(std::chrono::milliseconds) override {
    deliver_ = nullptr;
    return 0;
  }
  [[nodiscard]] bool is_started() const { return deliver_ != nullptr; }
  [[nodiscard]] Health health() const override { return {}; }
  [[nodiscard]] Capabilities capabilities() const override { return {.name = "hand"}; }

  /// Its number, for settled().
  std::size_t hand_in(std::string topic, std::string_view id = {}) {
    Message message;
    message.topic = std::move(topic);
    message.headers = {{"id", std::string(id)}};
    return hand_in(std::move(message));
  }
  std::size_t hand_in(Message message, bool redelivered = false) {
    ReceivedMessage received;
    received.message = std::move(message);
    received.redelivered = redelivered;
    settled_.push_back("open");
    // The settle must not keep this object alive, which the test owns.
    received.settle =
        Settle(std::shared_ptr<SettlementTarget>(std::shared_ptr<void>(), this), settled_.size() - 1);
    deliver_(std::move(received));
    return settled_.size() - 1;
  }
  /// As a broker that delivers what it is to retry again at once: one of this id, when the next retry is answered.
  void deliver_again(std::string topic, std::string_view id) {
    again_ = [this, topic = std::move(topic), id = std::string(id)] { static_cast<void>(hand_in(topic, id)); };
  }
  [[nodiscard]] const std::string& settled(std::size_t number) const { return settled_.at(number); }
  /// Of its rejection.
  [[nodiscard]] std::string reason(std::size_t number) const { return reasons_.at(number); }

 private:
  void reject(std::uint64_t tag, std::string_view reason) noexcept override {
    settle(tag, Settlement::reject);
    reasons_[tag] = reason;
  }
  void settle(std::uint64_t tag, Settlement settlement) noexcept override {
    settled_.at(tag) = settlement == Settlement::done    ? "done"
                       : settlement == Settlement::retry ? "retry"
                                                         : "reject";
    if (settlement == Settlement::retry && again_) std::exchange(again_, nullptr)();
  }
  Deliver deliver_;
  bool is_paused_ = false;
  std::function<void()> again_;
  std::vector<std::string> settled_;
  std::map<std::size_t, std::string> reasons_;
};

/// A sink without a broker: what was sent waits until the test answers it.
class HandSink final : public Sink {
 public:
  [[nodiscard]] Status start() override { return Nothing{}; }
  [[nodiscard]] SendResult send(Message&& message, Confirm confirm) override {
    if (answer_ != SendResult::taken) return answer_;
    sent_.push_back({std::move(message), std::move(confirm)});
    return SendResult::taken;
  }
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds) override { return true; }
  std::size_t stop(std::chrono::milliseconds) override { return 0; }
  [[nodiscard]] Health health() const override { return {}; }
  [[nodiscard]] Capabilities capabilities() const override { return can; }

  Capabilities can{.name = "hand"};

  void answer_sends_with(SendResult answer) { answer_ = answer; }
  /// Answers the oldest that waits; its topic.
  std::string confirm(const Status& status) {
    auto [message, confirm] = std::move(sent_.front());
    sent_.pop_front();
    confirm(status);
    return message.topic;
  }
  [[nodiscard]] std::size_t waiting() const { return sent_.size(); }
  /// The oldest that waits.
  [[nodiscard]] const Message& next() const { return sent_.front().first; }
  /// What waits will not be answered while the answer to this is kept: as when a broker is cut off.
  using Confirms = std::deque<std::pair<Message, Confirm>>;
  [[nodiscard]] Confirms forget_all() { return std::exchange(sent_, {}); }

 private:
  SendResult answer_ = SendResult::taken;
  Confirms sent_;
};

}  // namespace headrace::test
