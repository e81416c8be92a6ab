#include "headrace/bus/relay.hpp"

#include <algorithm>

#include "headrace/bus/relay_window.hpp"

namespace headrace {

Relay::Relay(ReceivedMessage&& received, std::shared_ptr<RelayWindow> window, std::string identity)
    : received_(std::move(received)), window_(std::move(window)), identity_(std::move(identity)) {}

Relay::~Relay() {
  // Nobody else has it any more, and whoever answered did so before letting go.
  const Settlement settlement = worst_ == Answer::done     ? Settlement::done
                                : worst_ == Answer::reject ? Settlement::reject
                                                           : Settlement::retry;
  // First the window: what the broker delivers again at once must not be taken for a copy of one on its way.
  if (window_ != nullptr) window_->finish(identity_, settlement, reason_);
  settlement == Settlement::reject ? received_.settle.reject(reason_) : received_.settle(settlement);
}

void Relay::answer(Settlement settlement) noexcept {
  const Answer answer = settlement == Settlement::done     ? Answer::done
                        : settlement == Settlement::reject ? Answer::reject
                                                           : Answer::retry;
  const std::scoped_lock lock(mutex_);
  worst_ = std::max(worst_, answer);
}

void Relay::reject(std::string_view reason) noexcept {
  answer(Settlement::reject);
  const std::scoped_lock lock(mutex_);
  if (reason_.empty()) reason_ = reason;
}

RelayedMessage RelayedMessage::for_letter() const {
  ReceivedMessage kept;
  kept.message = relay->message();
  kept.redelivered = relay->redelivered();
  kept.attempt = relay->attempt();
  return {std::make_shared<Relay>(std::move(kept)), key};
}

}  // namespace headrace
