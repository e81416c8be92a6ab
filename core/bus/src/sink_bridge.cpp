#include "headrace/bus/sink_bridge.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "headrace/base/atomic.hpp"

namespace headrace {

namespace bridge_detail {

/// Refused messages that wait before their brokers get them back: when the last who has it lets go.
struct Resting {
  std::mutex mutex;
  std::vector<std::shared_ptr<Relay>> relays;  // behind mutex
};
/// Carries them through the time of their rest; the bus's end cuts it short.
struct SinkRest {
  std::shared_ptr<Resting> resting;
};
HEADRACE_EVENT(SinkRest, "headrace.sink_rest")

}  // namespace bridge_detail

using bridge_detail::Resting;
using bridge_detail::SinkRest;

class SinkBridge::Way : public std::enable_shared_from_this<Way> {
 public:
  using Change = decltype(SinkBridgeOptions::change);
  using Accepts = decltype(SinkBridgeOptions::accepts);
  using Topic = decltype(SinkBridgeOptions::topic);

  Way(Bus& bus, Sink& sink, SinkBridgeOptions& options)
      : sink_(sink),
        change_(std::move(options.change)),
        accepts_(std::move(options.accepts)),
        topic_(std::move(options.topic)),
        rests_(options.rest.cap.count() > 0),
        marks_(sink.capabilities().headers && sink.capabilities().redelivery_flag),
        backoff_(options.rest, reinterpret_cast<std::uintptr_t>(this)),
        bus_(&bus) {}

  void take(const RelayedMessage& event, std::string_view topic) {
    Relay& relay = *event.relay;
    std::optional<Message> changed;
    if (change_) {
      changed = relay.message();
      if (const Status sound = change_(*changed); !sound)
        return answer(relay, Settlement::reject, &Counts::rejected);
    }
    const Result<bool> wanted = accepts_ ? accepts_(topic, changed ? *changed : relay.message()) : true;
    if (!wanted) return answer(relay, Settlement::reject, &Counts::rejected);
    if (!*wanted) return answer(relay, Settlement::done, &Counts::filtered);
    Result<std::string> outside = topic_ ? topic_(topic) : std::string(topic);
    if (!outside) return answer(relay, Settlement::reject, &Counts::rejected);
    Message message = changed ? std::move(*changed) : relay.message();
    message.topic = std::move(*outside);
    if (marks_ && relay.redelivered()) message.headers.emplace_back(kAgainHeader, "true");
    const SendResult result = sink_.send(
        std::move(message),
        [way = shared_from_this(), kept = event.relay](const Status& status) { way->confirm(kept, status); });
    switch (result) {
      case SendResult::taken:
        return count(&Counts::sent);
      case SendResult::too_large:
        return answer(relay, Settlement::reject, &Counts::rejected);
      case SendResult::full:
        answer(relay, Settlement::retry, &Counts::retried);
        return rest(event.relay);
      case SendResult::closed:
        return answer(relay, Settlement::retry, &Counts::retried);
    }
  }
  /// The bus may go now.
  void leave_bus() {
    const std::scoped_lock lock(rest_mutex_);
    bus_ = nullptr;
  }
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
      if (rested_.exchange(false, std::memory_order_relaxed)) {  // no partner: a hint
        const std::scoped_lock lock(rest_mutex_);
        backoff_.reset();
      }
      return answer(*relay, Settlement::done, &Counts::confirmed);
    }
    if (status.error().retry == Error::Retry::no) return answer(*relay, Settlement::reject, &Counts::rejected);
    answer(*relay, Settlement::retry, &Counts::retried);
    rest(relay);
  }
  /// Keeps an answered relay for a while, together with those that come meanwhile.
  void rest(const std::shared_ptr<Relay>& relay) {
    const std::scoped_lock lock(rest_mutex_);
    if (!rests_ || bus_ == nullptr) return;
    if (const auto now = resting_.lock()) {
      const std::scoped_lock adding(now->mutex);
      now->relays.push_back(relay);
      return;
    }
    const auto begun = std::make_shared<Resting>();
    begun->relays.push_back(relay);
    resting_ = begun;
    rested_.store(true, std::memory_order_relaxed);  // no partner: a hint
    // A bus that can time no more lets it go at once.
    static_cast<void>(bus_->publish_after(backoff_.next(), SinkRest{begun}));
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
  const Change change_;
  const Accepts accepts_;
  const Topic topic_;
  const bool rests_;
  const bool marks_;  ///< a message can say there that it was delivered before
  std::mutex rest_mutex_;
  Backoff backoff_;                 // behind rest_mutex_
  std::weak_ptr<Resting> resting_;  // behind rest_mutex_; its event has it
  Bus* bus_;                        // behind rest_mutex_
  Atomic<bool> rested_{false};      // writers: whoever confirms
  mutable std::mutex mutex_;
  Counts counts_;
  std::uint64_t answered_ =
      0;  ///< of those sent; behind mutex_. Before the sink has returned one may be counted here first
};

SinkBridge::SinkBridge(Bus& bus, Sink& sink, SinkBridgeOptions options)
    : way_(std::make_shared<Way>(bus, sink, options)),
      rests_(bus.subscribe<SinkRest>(SubscribeOptions{.group = "headrace.sink_rest", .name = "headrace.sink_rest"},
                                     [](const SinkRest&) {})),
      subscription_(bus.subscribe<RelayedMessage>(
          options.subscription, [way = way_](const RelayedMessage& event, Context& context) {
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
