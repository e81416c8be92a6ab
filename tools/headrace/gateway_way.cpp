#include "gateway_way.hpp"

#include <mutex>
#include <utility>

#include "gateway_bridges.hpp"
#include "headrace/base/hash.hpp"
#include "headrace/bus/relay.hpp"

namespace headrace::program {
namespace {

class SinkWay final : public GatewayWay {
 public:
  SinkWay(Bus& bus, Sink& sink, SinkBridgeOptions options) : bridge_(bus, sink, std::move(options)) {}
  void close() override { bridge_.close(); }
  SinkBridge::Counts counts() const override { return bridge_.counts(); }
  bool is_idle() const override { return bridge_.is_idle(); }

 private:
  SinkBridge bridge_;
};

/// What the answers to alerts reach, also after the way has gone.
class AlertCounts {
 public:
  using What = std::uint64_t SinkBridge::Counts::*;
  void add(What what) {
    const std::scoped_lock lock(mutex_);
    ++(counts_.*what);
    if (what == &SinkBridge::Counts::sent) ++open_;
  }
  /// An alert's answer.
  void answer(What what) {
    const std::scoped_lock lock(mutex_);
    ++(counts_.*what);
    --open_;
  }
  SinkBridge::Counts get() const {
    const std::scoped_lock lock(mutex_);
    return counts_;
  }
  bool is_idle() const {
    const std::scoped_lock lock(mutex_);
    return open_ == 0;
  }

 private:
  mutable std::mutex mutex_;
  SinkBridge::Counts counts_;
  std::size_t open_ = 0;
};

/// Answers for the message that an alert is of: it is done when the alert is, so that no crash lies between. What could
/// not be told is news again.
class AlertAnswer final : public SettlementTarget {
 public:
  AlertAnswer(std::shared_ptr<Relay> cause, std::shared_ptr<AlertCounts> counts,
              std::shared_ptr<Threshold> threshold, std::string key, Threshold::News news)
      : cause_(std::move(cause)),
        counts_(std::move(counts)),
        threshold_(std::move(threshold)),
        key_(std::move(key)),
        news_(news) {}
  void settle(std::uint64_t, Settlement settlement) noexcept override {
    take(settlement);
    cause_->answer(settlement);
    cause_.reset();
  }
  void reject(std::uint64_t, std::string_view reason) noexcept override {
    take(Settlement::reject);
    cause_->reject(reason);
    cause_.reset();
  }

 private:
  void take(Settlement settlement) noexcept {
    using Counts = SinkBridge::Counts;
    counts_->answer(settlement == Settlement::done    ? &Counts::confirmed
                    : settlement == Settlement::retry ? &Counts::retried
                                                      : &Counts::rejected);
    if (settlement != Settlement::done) threshold_->take_back(key_, news_);
  }

  std::shared_ptr<Relay> cause_;
  const std::shared_ptr<AlertCounts> counts_;
  const std::shared_ptr<Threshold> threshold_;
  const std::string key_;
  const Threshold::News news_;
};

class AlertWay final : public GatewayWay {
 public:
  AlertWay(Bus& bus, const RouteConfig& route)
      : bus_(bus), options_(bridge_options(route)), rule_(*route.alert), counts_(std::make_shared<AlertCounts>()) {
    subscription_ = bus.subscribe<RelayedMessage>(options_.subscription,
                                                  [this](const RelayedMessage& event, Context& context) {
                                                    try {
                                                      take(event, context.topic());
                                                    } catch (...) {
                                                      event.relay->answer(Settlement::retry);
                                                      throw;
                                                    }
                                                  });
  }
  void close() override { subscription_ = {}; }
  SinkBridge::Counts counts() const override { return counts_->get(); }
  bool is_idle() const override { return counts_->is_idle(); }

 private:
  using Counts = SinkBridge::Counts;

  void take(const RelayedMessage& event, std::string_view topic) {
    const auto answer = [&](Settlement settlement, AlertCounts::What what) {
      counts_->add(what);
      event.relay->answer(settlement);
    };
    const auto reject = [&](const Error& error) {
      counts_->add(&Counts::rejected);
      event.relay->reject(error.message());
    };
    if (topic == rule_.topic()) return answer(Settlement::done, &Counts::filtered);  // its own
    Message message = event.relay->message();
    if (options_.change) {
      if (const Status changed = options_.change(message); !changed) return reject(changed.error());
    }
    const Result<bool> wanted = options_.accepts ? options_.accepts(topic, message) : true;
    if (!wanted) return reject(wanted.error());
    if (!*wanted) return answer(Settlement::done, &Counts::filtered);
    auto looked = rule_.look(topic, message);
    if (!looked) return reject(looked.error());
    if (!*looked) return answer(Settlement::done, &Counts::filtered);
    tell(event.relay, std::move(**looked));
  }
  void tell(const std::shared_ptr<Relay>& cause, AlertRule::Alert&& alert) {
    counts_->add(&Counts::sent);
    ReceivedMessage told;
    told.redelivered = cause->redelivered();
    told.message = std::move(alert.message);
    const std::uint64_t key = hash_bytes(alert.key);
    told.settle = Settle(
        std::make_shared<AlertAnswer>(cause, counts_, rule_.threshold(), std::move(alert.key), alert.news), 0);
    const auto relay = std::make_shared<Relay>(std::move(told));
    const PublishResult result = bus_.publish(rule_.topic(), RelayedMessage{relay, key});
    if (result.status() == PublishStatus::unrouted) {
      relay->answer(Settlement::done);  // nobody wants alerts any more
    } else if (!result) {
      relay->answer(Settlement::retry);
    }
  }

  Bus& bus_;
  SinkBridgeOptions options_;
  AlertRule rule_;
  const std::shared_ptr<AlertCounts> counts_;
  Subscription subscription_;  ///< last: its handler uses all of the above
};

}  // namespace

std::unique_ptr<GatewayWay> make_sink_way(Bus& bus, Sink& sink, const RouteConfig& route,
                                          decltype(SinkBridgeOptions::pack) pack) {
  SinkBridgeOptions options = bridge_options(route);
  options.pack = std::move(pack);
  return std::make_unique<SinkWay>(bus, sink, std::move(options));
}

std::unique_ptr<GatewayWay> make_alert_way(Bus& bus, const RouteConfig& route) {
  return std::make_unique<AlertWay>(bus, route);
}

}  // namespace headrace::program
