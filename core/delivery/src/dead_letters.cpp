#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "headrace/delivery/delivery.hpp"
#include "headrace/delivery/delivery_site.hpp"
#include "headrace/delivery/redrive.hpp"
#include "headrace/dispatch/dispatcher.hpp"
#include "headrace/port/event_types.hpp"
#include "site_delays.hpp"

// What a site does with events that it gives up: the dead letters' side of DeliverySite.

namespace headrace {

void DeliverySite::expire(Context& context, Tally& tally) {
  if (options_.when_expired == WhenExpired::dead_letter && dead_letters() != nullptr) {
    give_up(keep(context), FailureClass::expired, "its time to live was over", false, tally);
    return;
  }
  ++tally.expired;
  if (PendingEvent* again = agent_.running()) {
    give_claim_back(*again);
    free_key(*again);
  }
}

void DeliverySite::give_up(PendingEventPtr event, FailureClass failure, std::string_view reason, bool parks,
                           Tally& tally) {
  give_claim_back(*event);
  if (dead_letters() == nullptr) {
    free_key(*event);
    return fail(*event->entry, reason, tally);
  }
  // One that is given up out of its turn, expired or for want of room, must not park its key ahead of those that
  // wait.
  const bool its_turn = event->holds_key || !is_held(event->key);
  const bool parks_key = its_turn && (parks || options_.park_key);
  if (returns_itself(*event)) {
    free_key(*event);
    ++tally.dead_lettered;
    return;
  }
  event->letter = std::make_unique<DeadLetter>(letter_of(*event, failure, reason));
  event->letter->parks_key = parks_key;
  if (parks_key) parked_.try_emplace(event->key, event->letter->envelope.key);
  free_key(*event);
  refresh();
  event->holds_key = false;
  // Behind letters that wait for the store: those of one key reach it in order.
  const Sent sent = unsent_.empty() ? send(*event, tally) : Sent::not_yet;
  if (sent == Sent::refused) free_if_gone(event->key);  // it stands nowhere: nothing is behind it
  if (sent != Sent::not_yet) return;
  if (unsent_.empty()) agent_.send_letters_at(later(agent_.now_ns(), kStoreWaits), *this);
  unsent_.push_back(std::move(event));
  enlist();
  ++tally.kept;
}

DeliverySite::Sent DeliverySite::send(PendingEvent& event, Tally& tally) {
  // Also of a letter that its store refuses for good: whoever sent the event must not take it for handled.
  const auto tell_sender = [&] {
    if (const AnswerOps* answers = event.entry->ops->answers) answers->dead_lettered(event.event.data());
  };
  const auto refused = [&](const Error& error) {
    tell_sender();
    fail(*event.entry, error.message(), tally);
    return Sent::refused;
  };
  if (const Status fits = fit_for_store(*event.letter); !fits) return refused(fits.error());
  const Result<Added> added = dead_letters()->add({event.letter.get(), 1});
  if (added) tally.letters_dropped += static_cast<std::uint32_t>(added->dropped);
  if (added && added->letters == 1) {
    tell_sender();
    ++tally.dead_lettered;
    return Sent::stored;
  }
  if (!added && added.error().retry == Error::Retry::no) return refused(added.error());
  return Sent::not_yet;
}

/// A store that outlives the process takes bytes; Delivery has seen that there are types for it.
Status DeliverySite::fit_for_store(DeadLetter& letter) const {
  if (letter.body || dead_letters()->keeps_typed_events()) return Nothing{};
  const EventOps& ops = *letter.event.ops();
  auto body = agent_.event_types()->encode(
      ops.payload->type, static_cast<const std::byte*>(letter.event.data()) + ops.payload_offset);
  if (!body) return body.error();
  letter.body = std::move(*body);
  return Nothing{};
}

std::uint64_t DeliverySite::send_letters() {
  std::uint64_t settled = 0;
  while (!unsent_.empty()) {
    Tally tally;
    const Sent sent = send(*unsent_.front(), tally);
    if (sent == Sent::not_yet) {
      agent_.send_letters_at(later(agent_.now_ns(), kStoreWaits), *this);
      return settled;
    }
    const std::uint64_t key = unsent_.front()->key;
    unsent_.pop_front();
    if (sent == Sent::refused) free_if_gone(key);
    agent_.worker().settle_kept(subscription_, tally);
    ++settled;
  }
  return settled;
}

/// A redriven event without an id could not find its letter in the store: the turn's end gives the letter back.
bool DeliverySite::returns_itself(const PendingEvent& event) const noexcept {
  if (event.redriven == nullptr) return false;
  if (event.redriven->store() != dead_letters() || event.entry->ops->payload_offset == 0) return true;
  EventMeta meta;
  std::memcpy(&meta, event.event.data(), sizeof meta);
  return meta.id.is_none();
}

void DeliverySite::redrive(const DeadLetter& letter, std::shared_ptr<RedriveTurn> turn) {
  PendingEventPtr event = pending_events_->make();
  const EventOps& ops = *letter.event.ops();
  event->site = this;
  event->entry = DeliveryDirectory::delivery_of(subscription_).entry_of(ops, letter.envelope.topic);
  if (event->entry == nullptr) return;  // topics_max topics are known: the turn gives the letter back
  event->event.share(letter.event);
  event->redriven = std::move(turn);
  const EventOps& payload = *ops.payload;
  event->key = ops.has_key
                   ? payload.key_hash(static_cast<const std::byte*>(letter.event.data()) + ops.payload_offset)
                   : event->entry->topic->key_hash;
  enlist();
  agent_.worker().take_kept();
  static_cast<void>(agent_.run(std::move(event)));
}

/// Keys of an earlier run, whose letters the store still has. It knows them as texts; the first event tells the
/// hash.
void DeliverySite::find_parked_keys() {
  if (dead_letters() == nullptr) return;
  const Result<std::vector<ParkedKey>> keys = dead_letters()->parked_keys();
  if (!keys) throw ConfigError("dead letters of '" + subscription_.name + "': " + keys.error().message());
  for (const ParkedKey& parked : *keys) {
    if (parked.subscription == subscription_.name) parked_before_.insert(parked.key);
  }
}

bool DeliverySite::is_parked(std::uint64_t key, const Context& context) {
  if (!parked_before_.empty() && !parked_.contains(key)) {
    const auto* event = static_cast<const std::byte*>(context.whole()) + context.entry().ops->payload_offset;
    const auto found = parked_before_.find(context.ops().key_text(event));
    if (found != parked_before_.end()) parked_.emplace(key, std::move(parked_before_.extract(found).value()));
  }
  if (parked_.empty() || !parked_.contains(key)) return false;
  // Its letters may be gone behind this site's back: discarded by another process, or dropped by a full store. The
  // question costs less than the letter that this event would become.
  free_if_gone(key);
  return parked_.contains(key);
}

bool DeliverySite::has_letters(std::uint64_t key, const std::string& text) const {
  const auto is_of_key = [key](const PendingEventPtr& event) { return event->key == key; };
  if (std::any_of(unsent_.begin(), unsent_.end(), is_of_key)) return true;
  const Result<std::uint64_t> letters = dead_letters()->parked(subscription_.name, text);
  return !letters || *letters != 0;
}

void DeliverySite::free_if_gone(std::uint64_t key) {
  const auto parked = parked_.find(key);
  if (parked == parked_.end() || has_letters(key, parked->second)) return;
  parked_.erase(parked);
  refresh();
}

void DeliverySite::free_parked_keys() {
  if (dead_letters() == nullptr) return;
  std::erase_if(parked_before_, [this](const std::string& text) {
    const Result<std::uint64_t> letters = dead_letters()->parked(subscription_.name, text);
    return letters && *letters == 0;
  });
  std::erase_if(parked_, [this](const auto& parked) { return !has_letters(parked.first, parked.second); });
  refresh();
}

bool DeliverySite::abandon(PendingEventPtr event, Tally& tally) {
  give_claim_back(*event);
  if (event->redriven != nullptr) return true;  // its turn's end gives the letter back
  if (event->entry->ops->answers != nullptr) {  // its sender brings it again
    event->entry->tell_unhandled(event->event.data(), 1);
    return false;
  }
  if (dead_letters() == nullptr) return false;
  if (event->letter == nullptr) {
    event->letter = std::make_unique<DeadLetter>(
        letter_of(*event, FailureClass::abandoned, "the bus stopped before its turn came"));
    // Later events of the key come after a restart.
    const std::string& key = event->letter->envelope.key;
    event->letter->parks_key = options_.park_key || parked_.contains(event->key) || parked_before_.contains(key);
  }
  if (!fit_for_store(*event->letter)) return false;
  const Result<Added> added = dead_letters()->add({event->letter.get(), 1});
  if (added) tally.letters_dropped += static_cast<std::uint32_t>(added->dropped);
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
  letter.event = event.event.for_letter();
  letter.type = ops.name;
  letter.subscription = subscription_.name;
  letter.worker = agent_.worker().index();
  letter.failure = failure;
  letter.reason = reason;
  if (event.attempts > 0) letter.attempts.push_back(std::move(event.first_attempt));
  std::move(event.later_attempts.begin(), event.later_attempts.end(), std::back_inserter(letter.attempts));
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
