#include <memory>

#include "headrace/delivery/delivery_agent.hpp"
#include "headrace/delivery/delivery_site.hpp"
#include "headrace/delivery/timed_work.hpp"

namespace headrace {

bool BreakerChange::takes(EventTypeId type, std::string_view topic) const {
  return (of.type == type || of.type == kAnyEventType) && of.filter && of.filter->matches(topic);
}

/// Looks at the breaker when it has been open for long enough: with nobody in line, and sources that were paused,
/// nobody else would.
class DeliverySite::BreakerRest final : public TimedWork {
 public:
  explicit BreakerRest(DeliverySite& site) : site_(site), alive_(site.subscription_.shared_from_this()) {}
  void due(DeliveryAgent&) override {
    site_.breaker_rests_ = false;
    site_.breaker_rested();
  }
  void bus_stopped() override { site_.breaker_rests_ = false; }

 private:
  DeliverySite& site_;
  const std::shared_ptr<SubscriptionState> alive_;  ///< and with it the site
};

/// A verdict on the event is no failure of what its handler calls; an exception is, whatever becomes of the event.
void DeliverySite::tell_breaker(const Outcome& outcome, std::uint64_t now_ns) {
  if (!outcome.wants_another_try() && outcome.failure() != FailureClass::threw) {
    const bool next_may_probe = breaker_->abstained(permit_, now_ns);
    if (next_may_probe && is_held(kLine)) agent_.release_later(*this, kLine);
    return;
  }
  const auto before = breaker_->state();
  breaker_->failed(permit_, now_ns);
  note_breaker(before);
}

void DeliverySite::note_breaker(CircuitBreaker::State before) {
  const auto now = breaker_->state();
  if (now == before) return;
  agent_.report_breaker(subscription_, now, false);
  if (now == CircuitBreaker::State::closed && is_held(kLine)) agent_.release_later(*this, kLine);
  if (now != CircuitBreaker::State::open) return;
  wake_line();
  rest_breaker();
}

void DeliverySite::rest_breaker() {
  if (!agent_.reports_breakers() || breaker_rests_) return;
  breaker_rests_ = true;
  agent_.work_at(breaker_->asks_again_ns(), std::make_shared<BreakerRest>(*this));
  if (!breaker_rests_) agent_.report_breaker(subscription_, breaker_->state(), true);  // no timer is free
}

void DeliverySite::breaker_rested() {
  if (breaker_->state() != CircuitBreaker::State::open) return;
  if (subscription_.cancelled.load(std::memory_order_relaxed))
    return end_breaker();                                                  // no partner: or it is told later
  if (agent_.now_ns() < breaker_->asks_again_ns()) return rest_breaker();  // it opened anew meanwhile
  agent_.report_breaker(subscription_, CircuitBreaker::State::open, true);
}

void DeliverySite::end_breaker() {
  if (!breaker_ || breaker_->state() == CircuitBreaker::State::closed) return;
  agent_.report_breaker(subscription_, breaker_->state(), true);
}

}  // namespace headrace
