#include "headrace/bus/source_bridge.hpp"

#include <utility>

#include "headrace/base/hash.hpp"
#include "refusal.hpp"

namespace headrace {

SourceBridge::SourceBridge(Bus& bus, Source& source, SourceBridgeOptions options)
    : bus_(bus),
      source_(source),
      options_(std::move(options)),
      window_(std::make_shared<RelayWindow>(options_.identities_max)),
      rest_(bus, options_.rest, options_.name),
      brake_(bus, source,
             [](const BreakerChange& change) { return change.of.type == event_type_id<RelayedMessage>(); }) {}

SourceBridge::~SourceBridge() {
  if (publisher_) static_cast<void>(stop(std::chrono::milliseconds(0)));
  publisher_.reset();
  brake_.let_go();
  rest_.leave_bus();
}

Status SourceBridge::start() {
  publisher_.emplace(bus_.publisher(options_.name));
  brake_.watch(*publisher_);
  return source_.start([this](ReceivedMessage&& received) { take(std::move(received)); });
}

SourceBridge::Counts SourceBridge::counts() const {
  const std::scoped_lock lock(mutex_);
  Counts counts = counts_;
  counts.pauses = brake_.pauses();
  return counts;
}

void SourceBridge::count(std::uint64_t Counts::*what) {
  const std::scoped_lock lock(mutex_);
  ++(counts_.*what);
}

void SourceBridge::refuse(const std::shared_ptr<Relay>& relay) {
  count(&Counts::refused);
  relay->answer(Settlement::retry);
  rest_.keep(relay);
}

void SourceBridge::take(ReceivedMessage&& received) {
  count(&Counts::received);
  Result<std::string> topic = options_.topic ? options_.topic(received.message) : received.message.topic;
  if (!topic) {
    received.settle.reject(topic.error().message());
    return count(&Counts::rejected);
  }
  const std::string& key = received.message.key.empty() ? *topic : received.message.key;
  RelayedMessage event{nullptr, hash_bytes(key)};
  std::string identity = options_.identity ? options_.identity(received.message) : std::string();
  const bool may_have_copies = !identity.empty();
  if (may_have_copies && window_->admit(identity, received.settle) != RelayWindow::Seen::first) {
    return count(&Counts::copies);
  }
  const Status changed = options_.change ? options_.change(received.message) : Nothing{};
  event.relay = may_have_copies ? std::make_shared<Relay>(std::move(received), window_, std::move(identity))
                                : std::make_shared<Relay>(std::move(received));
  if (changed) return publish(*topic, std::move(event));
  if (changed.error().retry == Error::Retry::maybe) return refuse(event.relay);
  event.relay->reject(changed.error().message());
  count(&Counts::rejected);
}

void SourceBridge::publish(const std::string& topic, RelayedMessage&& event) {
  const auto relay = event.relay;
  const PublishResult result = [&] {
    const std::scoped_lock lock(entering_);
    return publisher_->publish(topic, std::move(event));
  }();
  if (result.status() == PublishStatus::unrouted) {
    relay->answer(options_.unrouted);
    count(&Counts::unrouted);
  } else if (result) {
    rest_.went_well();
    count(&Counts::published);
  } else if (settlement_of_refusal(result.status()) == Settlement::retry) {
    refuse(relay);
  } else {
    relay->answer(Settlement::reject);
    count(&Counts::rejected);
  }
}

}  // namespace headrace
