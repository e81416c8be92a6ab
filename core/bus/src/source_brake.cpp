#include "headrace/bus/source_brake.hpp"

#include "headrace/dispatch/subscription_state.hpp"

namespace headrace {

SourceBrake::SourceBrake(Bus& bus, Source& source, Feeds feeds)
    : source_(source), feeds_(std::move(feeds)), breakers_(bus.breaker_listeners()) {}

void SourceBrake::watch(Publisher& publisher) {
  if (listener_ == 0) {
    listener_ = breakers_->add([this](const BreakerChange& change) {
      if (!feeds_(change)) return;
      const Reason reason{Why::breaker, change.of.serial, change.worker};
      change.holds_back() ? put_on(reason) : take_off(reason);
    });
  }
  publisher.on_watermark([this](const Watermark& watermark) {
    const Reason reason{Why::lane, 0, watermark.worker};
    watermark.level == Watermark::Level::high ? put_on(reason) : take_off(reason);
  });
}

void SourceBrake::let_go() {
  if (const auto listener = std::exchange(listener_, 0)) breakers_->remove(listener);
  const std::scoped_lock lock(mutex_);
  if (!reasons_.empty()) source_.resume();
  reasons_.clear();
}

std::uint64_t SourceBrake::pauses() const {
  const std::scoped_lock lock(mutex_);
  return pauses_;
}

// The source is told under the mutex, so that it hears of changes in their order.
void SourceBrake::put_on(const Reason& reason) {
  const std::scoped_lock lock(mutex_);
  if (!reasons_.insert(reason).second || reasons_.size() > 1) return;
  ++pauses_;
  source_.pause();
}

void SourceBrake::take_off(const Reason& reason) {
  const std::scoped_lock lock(mutex_);
  if (reasons_.erase(reason) == 1 && reasons_.empty()) source_.resume();
}

}  // namespace headrace
