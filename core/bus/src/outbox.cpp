#include "headrace/bus/outbox.hpp"

#include <memory>
#include <string>
#include <utility>

namespace headrace {
namespace {

constexpr std::chrono::milliseconds kRoomWait{100};  // then status() says what it waits for

Error error_of(SendResult result) {
  const auto retry = result == SendResult::too_large ? Error::Retry::no : Error::Retry::maybe;
  return Error{"the sink answers: " + std::string(to_string(result)), {}, retry};
}

}  // namespace

Outbox::Outbox(EventStore& store, CheckpointStore& checkpoints, Sink& sink, Write write, FollowerOptions options)
    : sink_(sink),
      write_(std::move(write)),
      follower_("outbox", store, checkpoints, std::move(options),
                [this](StoredEvent& event, const std::shared_ptr<HandledPrefix>& prefix) {
                  return send(event, prefix);
                }) {}

Result<StoreFollower::Taken> Outbox::send(StoredEvent& event, const std::shared_ptr<HandledPrefix>& prefix) {
  if (!unsent_ || unsent_->position != event.position) {
    Result<Message> message = write_(event.event);
    if (!message) return message.error();
    unsent_ = Written{event.position, std::move(*message)};
  }
  // Confirmed on the sink's thread, perhaps after this outbox has gone: the receipt holds what it needs.
  const auto receipt = std::make_shared<HandledPrefix::Receipt>(prefix, event.position);
  const auto confirm = [receipt](const Status& status) {
    if (!status) receipt->refused(status.error());
  };
  SendResult result = sink_.send(std::move(unsent_->message), confirm);
  if (result == SendResult::full && sink_.wait_for_room(kRoomWait)) {
    result = sink_.send(std::move(unsent_->message), confirm);
  }
  if (result == SendResult::taken) {
    unsent_.reset();
    return StoreFollower::Taken::yes;
  }
  prefix->take_back(event.position);
  return error_of(result);
}

}  // namespace headrace
