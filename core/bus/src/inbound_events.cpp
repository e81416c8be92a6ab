#include "headrace/bus/inbound_events.hpp"

#include "refusal.hpp"

namespace headrace {

InboundEvents::InboundEvents(Bus& bus, Source& source, std::shared_ptr<const EventTypes> types, Read read,
                             InboundOptions options)
    : bus_(bus),
      source_(source),
      types_(std::move(types)),
      read_(std::move(read)),
      options_(options),
      rest_(bus, options.rest, "inbound events") {
  if (types_ == nullptr || read_ == nullptr) throw ConfigError("inbound events need types and a reader");
}

InboundEvents::~InboundEvents() {
  if (publisher_) static_cast<void>(stop(std::chrono::milliseconds(0)));
  rest_.leave_bus();
}

void InboundEvents::add(std::string name, TypedTopic topic) {
  const auto fault = [&](const std::string& what) {
    throw ConfigError("inbound events, '" + name + "': " + what);
  };
  if (publisher_) fault("topics are added before the start");
  if (const auto known = types_->name_of(topic.type); !known) fault(known.error().message());
  const auto at = topics_.find(name);
  if (at != topics_.end() && at->second.type != topic.type) fault("it is the topic of another type already");
  topics_.insert_or_assign(std::move(name), std::move(topic));
}

Status InboundEvents::start() {
  publisher_.emplace(bus_.publisher("inbound events"));
  return source_.start([this](ReceivedMessage&& received) { take(std::move(received)); });
}

InboundEvents::Counts InboundEvents::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

void InboundEvents::count(std::uint64_t Counts::*what) {
  const std::scoped_lock lock(mutex_);
  ++(counts_.*what);
}

void InboundEvents::refuse(MessageReceipt&& receipt) {
  struct Refused {
    explicit Refused(MessageReceipt&& of) noexcept : receipt(std::move(of)) {}
    Refused(const Refused&) = delete;
    Refused& operator=(const Refused&) = delete;
    ~Refused() { receipt.settle(Settlement::retry); }
    MessageReceipt receipt;
  };
  count(&Counts::refused);
  rest_.keep(std::make_shared<Refused>(std::move(receipt)));
}

void InboundEvents::take(ReceivedMessage&& received) {
  count(&Counts::received);
  MessageReceipt receipt(std::move(received.settle), options_.dead_lettered);
  const auto answer = [&](Settlement settlement, std::uint64_t Counts::*what) {
    count(what);
    receipt.settle(settlement);
  };
  Result<EncodedEvent> event = read_(received.message);
  if (!event && event.error().retry == Error::Retry::maybe) return refuse(std::move(receipt));
  if (!event) return answer(Settlement::reject, &Counts::rejected);
  const auto topic = topics_.find(event->envelope.topic);
  if (topic == topics_.end()) return answer(options_.unrouted, &Counts::unrouted);
  const Result<PublishStatus> status =
      topic->second.publish(*types_, *publisher_, std::move(*event), std::move(receipt));
  if (!status) return answer(Settlement::reject, &Counts::rejected);
  switch (*status) {
    case PublishStatus::published:
    case PublishStatus::dropped:
      rest_.went_well();
      return count(&Counts::published);
    case PublishStatus::unrouted:
      return answer(options_.unrouted, &Counts::unrouted);
    default:
      if (settlement_of_refusal(*status) == Settlement::retry) return refuse(std::move(receipt));
      return answer(Settlement::reject, &Counts::rejected);
  }
}

}  // namespace headrace
