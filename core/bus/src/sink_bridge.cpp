#include "headrace/bus/sink_bridge.hpp"

#include <mutex>
#include <utility>

namespace headrace {

class SinkBridge::Way : public std::enable_shared_from_this<Way> {
 public:
  using Accepts = decltype(SinkBridgeOptions::accepts);
  using Topic = decltype(SinkBridgeOptions::topic);

  Way(Sink& sink, Accepts&& accepts, Topic&& topic)
      : sink_(sink), accepts_(std::move(accepts)), topic_(std::move(topic)) {}

  void take(const RelayedMessage& event, std::string_view topic) {
    Relay& relay = *event.relay;
    const Result<bool> wanted = accepts_ ? accepts_(topic, relay.message()) : true;
    if (!wanted) return answer(relay, Settlement::reject, &Counts::rejected);
    if (!*wanted) return answer(relay, Settlement::done, &Counts::filtered);
    Result<std::string> outside = topic_ ? topic_(topic) : std::string(topic);
    if (!outside) return answer(relay, Settlement::reject, &Counts::rejected);
    Message message = relay.message();
    message.topic = std::move(*outside);
    const SendResult result = sink_.send(
        std::move(message),
        [way = shared_from_this(), kept = event.relay](const Status& status) { way->confirm(*kept, status); });
    switch (result) {
      case SendResult::taken:
        return count(&Counts::sent);
      case SendResult::too_large:
        return answer(relay, Settlement::reject, &Counts::rejected);
      case SendResult::full:
      case SendResult::closed:
        return answer(relay, Settlement::retry, &Counts::retried);
    }
  }
  Counts counts() const {
    const std::scoped_lock lock(mutex_);
    return counts_;
  }

 private:
  void confirm(Relay& relay, const Status& status) {
    if (status) return answer(relay, Settlement::done, &Counts::confirmed);
    const bool for_good = status.error().retry == Error::Retry::no;
    answer(relay, for_good ? Settlement::reject : Settlement::retry,
           for_good ? &Counts::rejected : &Counts::retried);
  }
  void answer(Relay& relay, Settlement settlement, std::uint64_t Counts::*what) {
    count(what);
    relay.answer(settlement);
  }
  void count(std::uint64_t Counts::*what) {
    const std::scoped_lock lock(mutex_);
    ++(counts_.*what);
  }

  Sink& sink_;
  const Accepts accepts_;
  const Topic topic_;
  mutable std::mutex mutex_;
  Counts counts_;
};

SinkBridge::SinkBridge(Bus& bus, Sink& sink, SinkBridgeOptions options)
    : way_(std::make_shared<Way>(sink, std::move(options.accepts), std::move(options.topic))),
      subscription_(bus.subscribe<RelayedMessage>(
          options.subscription, [way = way_](const RelayedMessage& event, Context& context) {
            try {
              way->take(event, context.topic());
            } catch (...) {
              event.relay->answer(Settlement::retry);  // another way's answer must not stand for this one
              throw;
            }
          })) {}

SinkBridge::~SinkBridge() = default;

void SinkBridge::close() { subscription_ = {}; }

SinkBridge::Counts SinkBridge::counts() const { return way_->counts(); }

}  // namespace headrace
