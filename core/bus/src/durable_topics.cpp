#include "headrace/bus/durable_topics.hpp"

#include <utility>

#include "headrace/base/check.hpp"

namespace headrace {

DurableTopics::DurableTopics(Bus& bus, EventStore& store, CheckpointStore& checkpoints,
                             std::shared_ptr<const EventTypes> types, FollowerOptions options)
    : bus_(bus),
      store_(store),
      types_(std::move(types)),
      name_(options.name),
      follower_("durable topics", store, checkpoints, std::move(options),
                [this](StoredEvent& event, const std::shared_ptr<HandledPrefix>& prefix) {
                  return dispatch(event, prefix);
                }) {
  if (types_ == nullptr) throw ConfigError("durable topics '" + name_ + "' need types");
}

DurableTopics::~DurableTopics() { static_cast<void>(stop(std::chrono::milliseconds{0}).has_value()); }

void DurableTopics::start() {
  publisher_.emplace(bus_.publisher(name_));
  follower_.start();
}

Result<std::size_t> DurableTopics::stop(std::chrono::milliseconds deadline) {
  if (publisher_) publisher_->close();
  return follower_.stop(deadline);
}

void DurableTopics::add(const std::string& name, TypedTopic topic) {
  const auto fault = [&](const std::string& what) {
    throw ConfigError("durable topics '" + name_ + "', '" + name + "': " + what);
  };
  if (follower_.has_begun()) fault("topics are added before the start");
  if (const auto known = types_->name_of(topic.type); !known) fault(known.error().message());
  const auto at = topics_.find(name);
  if (at != topics_.end() && at->second.type != topic.type) fault("it is the topic of another type already");
  topics_.insert_or_assign(name, std::move(topic));
  EventQuery query;
  EventQuery::Item& item = query.any_of.emplace_back();
  for (const auto& known : topics_) item.topics.push_back(TopicFilter::exactly(known.first));
  follower_.follow(std::move(query));
}

EncodedEvent DurableTopics::encode(std::string_view topic, EncodedBody body, const PublishOptions& options,
                                   const EventMeta* cause) const {
  EncodedEvent event;
  Envelope& envelope = event.envelope;
  envelope.topic = topic;
  envelope.id = options.id ? options.id : EventId::make();
  envelope.time = bus_.dispatcher().options().time.wall_time();
  envelope.correlation = options.correlation;
  envelope.causation = options.causation;
  if (cause != nullptr) {
    if (!envelope.correlation) envelope.correlation = cause->correlation;
    if (!envelope.causation) envelope.causation = cause->id;
  }
  if (!envelope.correlation) envelope.correlation = envelope.id;
  event.content_type = std::move(body.content_type);
  event.body = std::move(body.bytes);
  return event;
}

Result<StoreFollower::Taken> DurableTopics::dispatch(StoredEvent& event,
                                                     const std::shared_ptr<HandledPrefix>& prefix) {
  if (!publisher_) publisher_.emplace(bus_.publisher(name_));
  const auto topic = topics_.find(event.event.envelope.topic);
  HEADRACE_CHECK("durable.topic", topic != topics_.end(), "durable topics are started without any");
  const auto status = topic->second.dispatch(*publisher_, prefix, event);
  if (!status) return Error{status.error().message(), {}, Error::Retry::no};
  switch (*status) {
    case PublishStatus::published:
    case PublishStatus::dropped:
      return StoreFollower::Taken::yes;
    case PublishStatus::closed:
      return StoreFollower::Taken::closed;
    case PublishStatus::bad_topic:
    case PublishStatus::too_many_topics:
      return Error{std::string(to_string(*status)), {}, Error::Retry::no};
    case PublishStatus::unrouted:
      return Error{"nobody subscribes", {}, Error::Retry::maybe};
    default:
      return Error{std::string(to_string(*status)), {}, Error::Retry::maybe};
  }
}

}  // namespace headrace
