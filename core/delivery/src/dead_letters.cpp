#include <cstring>
#include <utility>

#include "headrace/delivery/delivery_site.hpp"
#include "headrace/dispatch/dispatcher.hpp"
#include "site_delays.hpp"

// What a site does with events that it gives up: the dead letters' side of DeliverySite.

namespace headrace {

void DeliverySite::expire(Context& context, Tally& tally) {
  end_claim(context, DedupEnd::failed);
  if (options_.when_expired == WhenExpired::dead_letter && dead_letters() != nullptr) {
    give_up(keep(context), FailureClass::expired, "its time to live was over", false, tally);
    return;
  }
  ++tally.dropped;
  if (const PendingEvent* again = agent_.running()) free_key(*again);
}

void DeliverySite::give_up(PendingEventPtr event, FailureClass failure, std::string_view reason, bool parks,
                           Tally& tally) {
  if (dead_letters() == nullptr) {
    free_key(*event);
    return fail(*event->entry, reason, tally);
  }
  const bool parks_key = parks || options_.park_key;
  if (parks_key) parked_.insert(event->key);
  free_key(*event);
  refresh();
  event->letter = std::make_unique<DeadLetter>(letter_of(*event, failure, reason));
  event->letter->parks_key = parks_key;
  event->holds_key = false;
  // Behind letters that wait for the store: those of one key reach it in order.
  if (unsent_.empty() && send(*event, tally) != Sent::not_yet) return;
  if (unsent_.empty()) agent_.send_letters_at(later(agent_.now_ns(), kStoreWaits), *this);
  unsent_.push_back(std::move(event));
  enlist();
  ++tally.kept;
}

DeliverySite::Sent DeliverySite::send(PendingEvent& event, Tally& tally) {
  const Result<Added> added = dead_letters()->add({event.letter.get(), 1});
  if (added && added->letters == 1) {
    ++tally.dead_lettered;
    return Sent::stored;
  }
  if (!added && added.error().retry == Error::Retry::no) {
    fail(*event.entry, added.error().message(), tally);
    return Sent::refused;
  }
  return Sent::not_yet;
}

std::uint64_t DeliverySite::send_letters() {
  std::uint64_t settled = 0;
  while (!unsent_.empty()) {
    Tally tally;
    if (send(*unsent_.front(), tally) == Sent::not_yet) {
      agent_.send_letters_at(later(agent_.now_ns(), kStoreWaits), *this);
      return settled;
    }
    unsent_.pop_front();
    agent_.worker().settle_kept(subscription_, tally);
    ++settled;
  }
  return settled;
}

bool DeliverySite::abandon(PendingEventPtr event) {
  if (dead_letters() == nullptr) return false;
  if (event->letter == nullptr) {
    event->letter = std::make_unique<DeadLetter>(
        letter_of(*event, FailureClass::abandoned, "the bus stopped before its turn came"));
  }
  const Result<Added> added = dead_letters()->add({event->letter.get(), 1});
  return added && added->letters == 1;
}

DeadLetter DeliverySite::letter_of(PendingEvent& event, FailureClass failure, std::string_view reason) const {
  const EventOps& ops = *event.entry->ops;
  const auto* whole = static_cast<const std::byte*>(event.event.data());
  DeadLetter letter;
  letter.envelope.topic = event.entry->topic->name;
  letter.envelope.key = ops.payload->key_text(whole + ops.payload_offset);
  letter.envelope.version = ops.payload->version;
  if (ops.payload_offset != 0) {
    EventMeta meta;
    std::memcpy(&meta, whole, sizeof meta);
    letter.envelope.id = meta.id;
    letter.envelope.correlation = meta.correlation;
    letter.envelope.causation = meta.causation;
  }
  letter.event = event.event;
  letter.subscription = subscription_.name;
  letter.worker = agent_.worker().index();
  letter.failure = failure;
  letter.reason = reason;
  letter.attempts = std::move(event.history);
  letter.attempts_made = event.attempts;
  letter.last_failure = agent_.wall_time();
  letter.first_failure = letter.attempts.empty() ? letter.last_failure : letter.attempts.front().at;
  return letter;
}

void DeliverySite::fail(const DispatchEntry& entry, std::string_view reason, Tally& tally) {
  ++tally.failed;
  agent_.worker().report_failed(subscription_, entry, reason);
}

}  // namespace headrace
