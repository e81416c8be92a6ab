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
      brake_(bus, source,
             [](const BreakerChange& change) { return change.of.type == event_type_id<RelayedMessage>(); }) {}

SourceBridge::~SourceBridge() {
  if (publisher_) static_cast<void>(stop(std::chrono::milliseconds(0)));
  publisher_.reset();
  brake_.let_go();
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
  if (identity.empty()) {
    event.relay = std::make_shared<Relay>(std::move(received));
  } else {
    if (window_->admit(identity, received.settle) != RelayWindow::Seen::first) return count(&Counts::copies);
    event.relay = std::make_shared<Relay>(std::move(received), window_, std::move(identity));
  }
  publish(*topic, std::move(event));
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
    count(&Counts::published);
  } else {
    const Settlement settlement = settlement_of_refusal(result.status());
    relay->answer(settlement);
    count(settlement == Settlement::reject ? &Counts::rejected : &Counts::refused);
  }
}

}  // namespace headrace
