#include <utility>

#include "headrace/delivery/delivery_site.hpp"
#include "headrace/delivery/redrive.hpp"

// What a site does with events whose handler is called apart: OnOverrun::move_shards.

namespace headrace {

void DeliverySite::call_apart(Context& context, Tally& tally) {
  enlist();
  agent_.apart().queue(keep(context));
  ++tally.kept;
}

void DeliverySite::call_apart(PendingEventPtr event) {
  blocked_ = true;  // whatever waits behind its key is handed out when it is settled
  enlist();
  agent_.apart().queue(std::move(event));
}

bool DeliverySite::waits_behind_call(PendingEventPtr& event, Tally& tally) {
  const bool is_full = behind_calls_ >= options_.waiting.events_max;
  if (is_full && options_.waiting.when_full == WhenRoomFull::dead_letter) {
    give_up(std::move(event), FailureClass::no_room, "too many events wait for a call that hangs", false, tally);
    return false;
  }
  if (is_full && options_.waiting.when_full == WhenRoomFull::drop) {
    give_claim_back(*event);
    free_key(*event);
    event->entry->tell_unhandled(event->event.data(), 1);
    ++tally.dropped;
    return false;
  }
  ++behind_calls_;
  return true;
}

void DeliverySite::settle_ended(Context& context, const Outcome& outcome, Tally& tally) {
  PendingEvent& event = *agent_.running();
  if (outcome.is_done()) {
    ++tally.handled;
    end_claim(context, DedupEnd::done);
    if (event.redriven != nullptr) event.redriven->settle();
    return;
  }
  give_claim_back(event);
  event.entry->tell_unhandled(event.event.data(), 1);
  ++tally.dropped;
}

}  // namespace headrace
