#include "headrace/delivery/scheduled_event.hpp"

#include "headrace/base/hash.hpp"
#include "headrace/delivery/delivery_agent.hpp"
#include "site_delays.hpp"

namespace headrace {

void Publication::due(DeliveryAgent& agent) {
  if (!pending() || schedule_->closed()) return;  // what stop() finds pending is counted in its report
  const std::uint64_t now_ns = agent.now_ns();
  if (!is_periodic()) {
    if (!moved(State::pending, State::publishing)) return;  // cancelled meanwhile
    const PublishResult result = publish(agent.worker().publisher());
    if (!result && result.status() == PublishStatus::full) {
      static_cast<void>(moved(State::publishing, State::pending));
      due_ns_ = later(now_ns, kRoomWaits);
      return agent.work_at(due_ns_, shared_from_this());
    }
    // Not by way of pending: a cancel would take back what has gone.
    static_cast<void>(ended_from(State::publishing));
    return;
  }
  // One that finds no room is left out: the next one follows.
  static_cast<void>(static_cast<bool>(publish(agent.worker().publisher())));
  // Times that were missed are not made up for.
  const std::uint64_t missed = now_ns < due_ns_ ? 0 : (now_ns - due_ns_) / period_ns_;
  due_ns_ += (missed + 1) * period_ns_;
  agent.work_at(due_ns_, shared_from_this());
}

bool ScheduledEvent::cancel() {
  if (publication_ == nullptr || !publication_->end()) return false;
  // The worker lets its timer go.
  if (const auto dispatcher = dispatcher_.lock()) {
    static_cast<void>(agent_->post([agent = agent_, publication = publication_](DeliveryAgent::Posted posted) {
      if (posted == DeliveryAgent::Posted::runs) agent->forget_work(*publication);
    }));
  }
  return true;
}

ScheduledEvent schedule_publication(std::shared_ptr<Publication> publication,
                                    const std::shared_ptr<Dispatcher>& dispatcher, std::uint64_t key_hash,
                                    const DeliveryDefaults& defaults) {
  // Those of one key, due at one time, come in the order scheduled.
  const auto worker = static_cast<unsigned>(mix64(key_hash) % dispatcher->worker_count());
  DeliveryAgent& agent = DeliveryAgent::of(*dispatcher, worker, defaults);
  const bool taken = !dispatcher->stopped() && agent.post([&agent, publication](DeliveryAgent::Posted posted) {
    if (posted == DeliveryAgent::Posted::runs) agent.work_at(publication->due_ns(), publication);
  });
  if (!taken) {
    publication->end();
    return ScheduledEvent(PublishStatus::closed);
  }
  return {std::move(publication), dispatcher, agent};
}

}  // namespace headrace
