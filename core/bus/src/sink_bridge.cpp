#include "headrace/bus/sink_bridge.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/bus/refusal_rest.hpp"

namespace headrace {
namespace {

SubscribeOptions checked(SubscribeOptions options) {
  if (options.deduplicated) {
    throw ConfigError(
        "sink bridge '" + options.name +
        "': `deduplicated` would remember a message before its sink has confirmed it, and lose it when "
        "the sink refuses it; SourceBridgeOptions::identity or a DeduplicatedSource tell copies apart");
  }
  return options;
}

}  // namespace

class SinkBridge::Way : public std::enable_shared_from_this<Way> {
 public:
  using Change = decltype(SinkBridgeOptions::change);
  using Accepts = decltype(SinkBridgeOptions::accepts);
  using Topic = decltype(SinkBridgeOptions::topic);
  using Pack = decltype(SinkBridgeOptions::pack);

  Way(Bus& bus, Sink& sink, SinkBridgeOptions& options)
      : sink_(sink),
        change_(std::move(options.change)),
        accepts_(std::move(options.accepts)),
        topic_(std::move(options.topic)),
        pack_(std::move(options.pack)),
        marks_(sink.capabilities().headers && sink.capabilities().redelivery_flag),
        rest_(bus, options.rest, options.subscription.name) {}

  void take(const RelayedMessage& event, std::string_view topic) {
    Relay& relay = *event.relay;
    std::optional<Message> changed;
    if (change_) {
      changed = relay.message();
      if (const Status sound = change_(*changed); !sound) return refuse(event.relay, sound.error());
    }
    const Result<bool> wanted = accepts_ ? accepts_(topic, changed ? *changed : relay.message()) : true;
    if (!wanted) return reject(relay, wanted.error().message());
    if (!*wanted) return answer(relay, Settlement::done, &Counts::filtered);
    Result<std::string> outside = topic_ ? topic_(topic) : std::string(topic);
    if (!outside) return reject(relay, outside.error().message());
    Message message = changed ? std::move(*changed) : relay.message();
    message.topic = std::move(*outside);
    if (pack_) {
      if (const Status packed = pack_(message); !packed) return refuse(event.relay, packed.error());
    }
    if (marks_ && relay.redelivered()) message.headers.emplace_back(kAgainHeader, "true");
    const SendResult result = sink_.send(
        std::move(message),
        [way = shared_from_this(), kept = event.relay](const Status& status) { way->confirm(kept, status); });
    switch (result) {
      case SendResult::taken:
        return count(&Counts::sent);
      case SendResult::too_large:
        return reject(relay, std::string(sink_.capabilities().name) + ": the message is too large");
      case SendResult::full:
        return let_rest(event.relay);
      case SendResult::closed:
        return answer(relay, Settlement::retry, &Counts::retried);
    }
  }
  /// The bus may go now.
  void leave_bus() { rest_.leave_bus(); }
  Counts counts() const {
    const std::scoped_lock lock(mutex_);
    return counts_;
  }
  bool is_idle() const {
    const std::scoped_lock lock(mutex_);
    return answered_ == counts_.sent;
  }

 private:
  void confirm(const std::shared_ptr<Relay>& relay, const Status& status) {
    settle(relay, status);
    const std::scoped_lock lock(mutex_);
    ++answered_;
  }
  void settle(const std::shared_ptr<Relay>& relay, const Status& status) {
    if (status) {
      rest_.went_well();
      return answer(*relay, Settlement::done, &Counts::confirmed);
    }
    refuse(relay, status.error());
  }
  void refuse(const std::shared_ptr<Relay>& relay, const Error& error) {
    error.retry == Error::Retry::no ? reject(*relay, error.message()) : let_rest(relay);
  }
  void let_rest(const std::shared_ptr<Relay>& relay) {
    answer(*relay, Settlement::retry, &Counts::retried);
    rest_.keep(relay);
  }
  void answer(Relay& relay, Settlement settlement, std::uint64_t Counts::*what) {
    count(what);
    relay.answer(settlement);
  }
  void reject(Relay& relay, std::string_view reason) {
    count(&Counts::rejected);
    relay.reject(reason);
  }
  void count(std::uint64_t Counts::*what) {
    const std::scoped_lock lock(mutex_);
    ++(counts_.*what);
  }

  Sink& sink_;
  const Change change_;
  const Accepts accepts_;
  const Topic topic_;
  const Pack pack_;
  const bool marks_;  ///< a message can say there that it was delivered before
  RefusalRest rest_;  ///< of answered relays, whose brokers hear when the last who has them lets go
  mutable std::mutex mutex_;
  Counts counts_;
  /// Of those sent; behind mutex_. Before the sink has returned one may be counted here first.
  std::uint64_t answered_ = 0;
};

SinkBridge::SinkBridge(Bus& bus, Sink& sink, SinkBridgeOptions options)
    : way_(std::make_shared<Way>(bus, sink, options)),
      subscription_(bus.subscribe<RelayedMessage>(
          checked(std::move(options.subscription)), [way = way_](const RelayedMessage& event, Context& context) {
            try {
              way->take(event, context.topic());
            } catch (...) {
              event.relay->answer(Settlement::retry);  // another way's answer must not stand for this one
              throw;
            }
          })) {}

SinkBridge::~SinkBridge() { way_->leave_bus(); }

void SinkBridge::close() { subscription_ = {}; }

SinkBridge::Counts SinkBridge::counts() const { return way_->counts(); }
bool SinkBridge::is_idle() const { return way_->is_idle(); }

}  // namespace headrace
