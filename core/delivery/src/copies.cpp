#include <cstring>
#include <exception>
#include <utility>

#include "headrace/delivery/delivery_site.hpp"
#include "headrace/delivery/redrive.hpp"
#include "headrace/dispatch/context.hpp"
#include "headrace/event/time_after.hpp"
#include "site_delays.hpp"

// What a site does about copies of an event: the idempotency side of DeliverySite.

namespace headrace {
namespace {

constexpr std::uint32_t kAskedAhead = 8;

/// Of an event that was asked for its key before. Should its function fail now, its claim runs out.
template <class Ask>
std::optional<DedupKey> known_key(Ask&& ask) noexcept {
  try {
    return ask();
  } catch (...) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<DedupKey> DeliverySite::dedup_key(const Context& context) const {
  if (options_.deduplicated->by) return options_.deduplicated->by.key(context.first());
  if (options_.deduplicated->by_key) return DedupKey{key_of(context), hash_bytes(context.topic())};
  if (context.meta() != nullptr && context.meta()->id) return DedupKey::of(context.meta()->id);
  return std::nullopt;
}

bool DeliverySite::is_first_copy(Context& context, Tally& tally) {
  std::optional<DedupKey> key;
  try {
    key = dedup_key(context);
  } catch (...) {
    settle(context, judge(std::current_exception()), tally, Claim::ask);
    return false;
  }
  if (!key) return true;
  const Deduplicated& dedup = *options_.deduplicated;
  if (window_) {
    // Its place in the window is most likely in no cache; the handlers of those before it are time to fetch it.
    const bool by_id = !dedup.by_key && !dedup.by;
    const EventMeta* const ahead = by_id ? context.meta_ahead(kAskedAhead) : nullptr;
    if (ahead != nullptr) window_->ask_for(DedupKey::of(ahead->id));
  }
  const std::optional<DedupClaim> answer = ask_window(*key);
  if (!answer) {
    if (dedup.when_down == WhenDedupDown::fail_open) {
      ++tally.unchecked;
      return true;
    }
    try_later(keep(context), later(agent_.now_ns(), kStoreWaits), tally);
    return false;
  }
  const AnswerOps* const answers = context.entry().ops->answers;
  switch (*answer) {
    case DedupClaim::run:
      if (PendingEvent* again = agent_.running()) again->claimed = true;
      return true;
    case DedupClaim::done:
      if (answers != nullptr) answers->done_before(context.whole());
      drop_copy(tally);
      return false;
    case DedupClaim::in_progress:
      if (dedup.when_in_progress == WhenInProgress::drop && answers == nullptr) {
        drop_copy(tally);
        return false;
      }
      break;
    case DedupClaim::full:
      break;
  }
  try_later(keep(context), later(agent_.now_ns(), kCopyWaits), tally);
  return false;
}

bool DeliverySite::is_first_copy_of_run(const Context& context) {
  try {
    const auto key = dedup_key(context);
    return !key || ask_window(*key) == DedupClaim::run;
  } catch (...) {
    return false;  // it throws again when the event stands in front
  }
}

/// Nothing: the store is down.
std::optional<DedupClaim> DeliverySite::ask_window(const DedupKey& key) {
  const Deduplicated& dedup = *options_.deduplicated;
  const EventTime now = agent_.wall_time();
  if (dedup.store == nullptr) {
    if (!window_) window_.emplace(dedup.window);
    return window_->claim(key, 0, now).claim;
  }
  DedupAnswer answer;
  const Status asked = dedup.store->claim({&key, 1}, agent_.owner(), now, {&answer, 1});
  return asked ? std::optional(answer.claim) : std::nullopt;
}

/// A copy of what was done is dropped, as the policy says, and counted.
void DeliverySite::drop_copy(Tally& tally) {
  ++tally.dropped;
  ++tally.copies;
  if (const PendingEvent* again = agent_.running()) {
    free_key(*again);
    if (again->redriven != nullptr) {
      again->redriven->settle();
      free_if_gone(again->key);
    }
  }
}

void DeliverySite::end_claim(const Context& context, DedupEnd end) {
  if (!options_.deduplicated) return;
  if (const auto key = known_key([&] { return dedup_key(context); })) finish_claim(*key, end);
}

/// However an event ends, its claim ends with it; a copy that ends has none.
void DeliverySite::give_claim_back(PendingEvent& event) {
  if (!std::exchange(event.claimed, false) || !options_.deduplicated) return;
  if (const auto key = known_key([&] { return dedup_key(event); })) finish_claim(*key, DedupEnd::failed);
}

std::optional<DedupKey> DeliverySite::dedup_key(const PendingEvent& event) const {
  if (options_.deduplicated->by) {
    return options_.deduplicated->by.key(static_cast<const std::byte*>(event.event.data()) +
                                         event.entry->ops->payload_offset);
  }
  if (options_.deduplicated->by_key) return DedupKey{event.key, hash_bytes(event.entry->topic->name)};
  if (event.entry->ops->payload_offset == 0) return std::nullopt;
  EventMeta meta;
  std::memcpy(&meta, event.event.data(), sizeof meta);
  return meta.id ? std::optional(DedupKey::of(meta.id)) : std::nullopt;
}

/// While it waits for its next try nobody else may run it; from then on its claim lasts as long as a new one.
void DeliverySite::renew_claim(const PendingEvent& event, std::chrono::nanoseconds wait) {
  const auto key = known_key([&] { return dedup_key(event); });
  if (!key) return;
  const EventTime now = agent_.wall_time();
  if (window_) {
    window_->renew(*key, 0, now, time_after(now, wait));
  } else {
    // A store that is down lets the claim run out: a copy may then run beside this event.
    static_cast<void>(
        options_.deduplicated->store->renew({&*key, 1}, agent_.owner(), now, time_after(now, wait)).has_value());
  }
}

void DeliverySite::finish_claim(const DedupKey& key, DedupEnd end) {
  const DedupFinish finish{key, end, 0};
  if (window_) {
    window_->finish(finish, 0, agent_.wall_time());
  } else {
    // A store that is down lets the claim run out: the event may then run once more.
    static_cast<void>(
        options_.deduplicated->store->finish({&finish, 1}, agent_.owner(), agent_.wall_time()).has_value());
  }
}

}  // namespace headrace
