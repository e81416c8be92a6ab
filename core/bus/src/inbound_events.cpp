#include "headrace/bus/inbound_events.hpp"

#include <algorithm>

#include "refusal.hpp"

namespace headrace {
namespace {

/// Of a message whose envelope could not be read.
DeadLetter unread_letter(const Message& message) {
  DeadLetter letter;
  letter.envelope.topic = message.topic;
  letter.envelope.key = message.key;
  letter.envelope.headers = message.headers;
  letter.body = EncodedBody{message.content_type, message.body};
  letter.failure = FailureClass::undecodable;
  return letter;
}

DeadLetter letter_of_event(EncodedEvent&& event, std::string_view type, FailureClass failure) {
  DeadLetter letter;
  letter.envelope = std::move(event.envelope);
  letter.body = EncodedBody{std::move(event.content_type), std::move(event.body)};
  letter.type = type;
  letter.failure = failure;
  return letter;
}

}  // namespace

InboundEvents::InboundEvents(Bus& bus, Source& source, std::shared_ptr<const EventTypes> types, Read read,
                             InboundOptions options)
    : bus_(bus),
      source_(source),
      types_(std::move(types)),
      read_(std::move(read)),
      options_(std::move(options)),
      rest_(bus, options_.rest, options_.name),
      brake_(bus, source, [this](const BreakerChange& change) { return feeds(change); }) {
  if (types_ == nullptr || read_ == nullptr) throw ConfigError("inbound events need types and a reader");
}

InboundEvents::~InboundEvents() {
  if (publisher_) static_cast<void>(stop(std::chrono::milliseconds(0)));
  publisher_.reset();
  brake_.let_go();
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
  publisher_.emplace(bus_.publisher(options_.name));
  brake_.watch(*publisher_);
  return source_.start([this](ReceivedMessage&& received) { take(std::move(received)); });
}

InboundEvents::Counts InboundEvents::counts() const {
  const std::scoped_lock lock(mutex_);
  Counts counts = counts_;
  counts.pauses = brake_.pauses();
  return counts;
}

bool InboundEvents::feeds(const BreakerChange& change) const {
  return std::ranges::any_of(topics_,
                             [&](const auto& topic) { return change.takes(topic.second.type, topic.first); });
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

bool InboundEvents::is_topic_of(EventTypeId type, std::string_view name) const {
  const auto found = topics_.find(name);
  return found != topics_.end() && found->second.type == type;
}

/// And can redrive them.
bool InboundEvents::keeps_letters() const {
  const DeliveryDefaults& defaults = bus_.delivery_defaults();
  return defaults.dead_letters != nullptr && defaults.event_types != nullptr;
}

/// Of a subscription that letters go back to, and to which nobody publishes.
SubscribeOptions InboundEvents::redrive_options(std::string_view type) const {
  using namespace std::chrono_literals;
  SubscribeOptions options;
  options.filter = "headrace.redriven/" + std::string(type);
  options.name = options_.name;
  options.retry = RetryPolicy::exponential(1ms, 2.0).cap(100ms);
  return options;
}

/// Unknown: none, it is to be published.
std::optional<Outcome> InboundEvents::outcome_of(RedrivenEvents::State state) {
  switch (state) {
    case RedrivenEvents::State::under_way:
      return retry("it is under way");
    case RedrivenEvents::State::settled:
      return done();
    case RedrivenEvents::State::unhandled:
      return dead_letter("a delivery ended without its handler");
    case RedrivenEvents::State::unknown:
      break;
  }
  return std::nullopt;
}

void InboundEvents::give_up(const Message& message, DeadLetter&& letter, const Error& error,
                            MessageReceipt&& receipt) {
  const FailureClass failure = letter.failure;
  std::string reason = error.message();
  DeadLetterStore* const store = bus_.delivery_defaults().dead_letters.get();
  bool is_kept = false;
  if (store != nullptr) {
    if (letter.envelope.id.is_none()) letter.envelope.id = EventId::make();
    letter.subscription = options_.name;
    letter.reason = reason;
    letter.first_failure = letter.last_failure = bus_.dispatcher().options().time.wall_time();
    const Result<Added> added = store->add({&letter, 1});
    is_kept = added && added->letters == 1;
    const bool later = added ? !is_kept : added.error().retry == Error::Retry::maybe;
    if (later) return refuse(std::move(receipt));
    if (!added) reason += "; the store of dead letters refuses it: " + added.error().message();
  }
  count(is_kept ? &Counts::dead_lettered : &Counts::rejected);
  if (options_.on_bad_message) options_.on_bad_message({message, failure, reason, is_kept});
  receipt.settle(is_kept ? options_.dead_lettered : Settlement::reject, reason);
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
  if (!event) return give_up(received.message, unread_letter(received.message), event.error(), std::move(receipt));
  const auto topic = topics_.find(event->envelope.topic);
  if (topic == topics_.end()) return answer(options_.unrouted, &Counts::unrouted);
  const auto is_bad = [&](FailureClass failure, const Error& error) {
    const std::string_view type = *types_->name_of(topic->second.type);
    give_up(received.message, letter_of_event(std::move(*event), type, failure), error, std::move(receipt));
  };
  const std::size_t bytes_max = options_.sizes.of(topic->first).bytes_max;
  if (event->body.size() > bytes_max) {
    return is_bad(FailureClass::too_large, {std::to_string(event->body.size()) + " bytes are over the limit of " +
                                                std::to_string(bytes_max),
                                            topic->first});
  }
  const bool is_newer = event->envelope.version > *types_->version_of(topic->second.type);
  const Result<PublishStatus> status =
      topic->second.publish(*types_, *publisher_, std::move(*event), std::move(receipt));
  if (!status && status.error().retry == Error::Retry::maybe) return refuse(std::move(receipt));
  if (!status) return is_bad(is_newer ? FailureClass::version_unknown : FailureClass::undecodable, status.error());
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
