#include "headrace/delivery/spilling_dead_letter_store.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace headrace {
namespace {

constexpr DeadLetterId kSecondBit = DeadLetterId{1} << 62;

/// The filter as one of the two stores understands it; nothing: it means none of its letters.
std::optional<DeadLetterFilter> filter_for(const DeadLetterFilter& filter, bool second) {
  DeadLetterFilter own = filter;
  if (filter.id) {
    if (((*filter.id & kSecondBit) != 0) != second) return std::nullopt;
    own.id = *filter.id & ~kSecondBit;
  }
  const bool page_is_second = (filter.after & kSecondBit) != 0;
  if (page_is_second && !second) return std::nullopt;
  own.after = page_is_second == second ? filter.after & ~kSecondBit : 0;
  return own;
}

void name_outside(std::vector<DeadLetter>& letters) {
  for (DeadLetter& letter : letters) letter.id |= kSecondBit;
}

}  // namespace

SpillingDeadLetterStore::SpillingDeadLetterStore(std::shared_ptr<DeadLetterStore> first,
                                                 std::shared_ptr<DeadLetterStore> second)
    : first_(std::move(first)), second_(std::move(second)) {
  static_assert(kSecond == kSecondBit);
  const auto held = second_->counts();
  if (!held) throw ConfigError("the dead letter store to spill into: " + held.error().message());
  spills_ = held->stored != 0;
}

std::uint64_t SpillingDeadLetterStore::spilled() const {
  const std::lock_guard lock(mutex_);
  return spilled_;
}

/// While it cannot be asked it counts as holding some: order is kept.
void SpillingDeadLetterStore::look_whether_spilt() {
  if (!spills_) return;
  const auto held = second_->counts();
  spills_ = !held || held->stored != 0;
}

Result<bool> SpillingDeadLetterStore::knows(const DeadLetterStore& store, const DeadLetter& letter) const {
  if (letter.envelope.id.is_none()) return false;
  DeadLetterFilter same;
  same.subscription = letter.subscription;
  same.event = letter.envelope.id;
  const auto found = store.list(same, 1);
  if (!found) return found.error();
  return !found->empty();
}

Result<Added> SpillingDeadLetterStore::add_one(DeadLetter& letter) {
  if (spills_) {
    // An event that fails again goes back to its own place (R2), the others behind what has spilled.
    const auto in_first = knows(*first_, letter);
    if (!in_first) return in_first.error();
    if (*in_first) return first_->add({&letter, 1});
  } else {
    const auto added = first_->add({&letter, 1});
    if (!added || added->letters == 1) return added;
  }
  const auto added = second_->add({&letter, 1});
  if (added && added->letters == 1) {
    spills_ = true;
    if (added->replaced == 0) ++spilled_;
  }
  return added;
}

Result<Added> SpillingDeadLetterStore::add(std::span<DeadLetter> letters) {
  const std::lock_guard lock(mutex_);
  // A failed call changes nothing: what neither store would take is found before anything is in one.
  for (const DeadLetter& letter : letters) {
    if (letter.body || (letter.event && keeps_typed_events())) continue;
    return Error{"a letter without a body that outlives the process", letter.envelope.topic};
  }
  Added all;
  for (DeadLetter& letter : letters) {
    const auto added = add_one(letter);
    if (!added) return all.letters == 0 ? added : Result<Added>(all);
    all.replaced += added->replaced;
    all.dropped += added->dropped;
    if (added->letters == 0) break;
    ++all.letters;
  }
  return all;
}

Result<std::vector<DeadLetter>> SpillingDeadLetterStore::list(const DeadLetterFilter& filter,
                                                              std::size_t letters_max) const {
  const std::lock_guard lock(mutex_);
  std::vector<DeadLetter> all;
  if (const auto own = filter_for(filter, false)) {
    auto found = first_->list(*own, letters_max);
    if (!found) return found;
    all = std::move(*found);
  }
  const auto own = filter_for(filter, true);
  if (!own || all.size() >= letters_max) return all;
  auto found = second_->list(*own, letters_max - all.size());
  if (!found) return found;
  name_outside(*found);
  std::move(found->begin(), found->end(), std::back_inserter(all));
  return all;
}

Result<std::optional<DeadLetter>> SpillingDeadLetterStore::show(DeadLetterId id) const {
  if ((id & kSecond) == 0) return first_->show(id);
  auto found = second_->show(id & ~kSecond);
  if (found && *found) (*found)->id = id;
  return found;
}

/// A letter of the second store that parks its key comes with or after all of the key that lie in the first (R3).
Result<bool> SpillingDeadLetterStore::waits_for_first(const DeadLetter& letter,
                                                      std::span<const DeadLetter> taken) const {
  if (!letter.parks_key) return false;
  const auto before = first_->parked(letter.subscription, letter.envelope.key);
  if (!before) return before.error();
  const auto of_key = [&](const DeadLetter& other) {
    return other.parks_key && other.subscription == letter.subscription &&
           other.envelope.key == letter.envelope.key;
  };
  return *before > static_cast<std::uint64_t>(std::count_if(taken.begin(), taken.end(), of_key));
}

Result<Taken> SpillingDeadLetterStore::take_from_second(const TakeRequest& request, std::size_t letters_max,
                                                        std::span<const DeadLetter> taken) {
  const auto own = filter_for(request.filter, true);
  if (!own || letters_max == 0) return Taken{};
  TakeRequest next = request;
  next.filter = *own;
  next.letters_max = letters_max;
  for (;;) {
    auto found = second_->take(next);
    if (!found || found->letters.empty()) return found;
    next.filter.after = found->letters.back().id;
    std::vector<DeadLetter> ready;
    std::vector<DeadLetterId> too_early;
    for (DeadLetter& letter : found->letters) {
      const auto waits = waits_for_first(letter, taken);
      if (!waits || *waits) {
        too_early.push_back(letter.id);
      } else {
        ready.push_back(std::move(letter));
      }
    }
    if (!too_early.empty()) {
      if (auto back = second_->release(found->lease, too_early); !back) return back.error();
    }
    if (ready.empty()) continue;
    name_outside(ready);
    found->letters = std::move(ready);
    return found;
  }
}

Result<Taken> SpillingDeadLetterStore::take(const TakeRequest& request) {
  const std::lock_guard lock(mutex_);
  Taken all;
  Leases leases;
  if (const auto own = filter_for(request.filter, false)) {
    TakeRequest from_first = request;
    from_first.filter = *own;
    auto found = first_->take(from_first);
    if (!found) return found;
    leases.first = found->lease;
    all.letters = std::move(found->letters);
  }
  if (spills_) {
    auto found = take_from_second(request, request.letters_max - all.letters.size(), all.letters);
    // What the first gave is leased by now: it is handed out, and the error comes the next time.
    if (!found && all.letters.empty()) return found;
    if (found) {
      leases.second = found->lease;
      std::move(found->letters.begin(), found->letters.end(), std::back_inserter(all.letters));
    }
  }
  if (all.letters.empty()) return all;
  leases.letters = all.letters.size();
  all.lease = ++last_lease_;
  leases_.emplace(all.lease, leases);
  return all;
}

Result<std::size_t> SpillingDeadLetterStore::end(DeadLetterLease lease, std::span<const DeadLetterId> ids,
                                                 End how) {
  const auto held = leases_.find(lease);
  if (held == leases_.end()) return std::size_t{0};
  std::vector<DeadLetterId> first;
  std::vector<DeadLetterId> second;
  for (const DeadLetterId id : ids) {
    (id & kSecond) == 0 ? first.push_back(id) : second.push_back(id & ~kSecond);
  }
  std::size_t ended = 0;
  Leases& leases = held->second;
  const auto end_in = [&](DeadLetterStore& store, DeadLetterLease of,
                          const std::vector<DeadLetterId>& own) -> Status {
    if (own.empty() || of == 0) return Nothing{};
    const auto done = (store.*how)(of, own);
    if (!done) return done.error();
    ended += *done;
    return Nothing{};
  };
  const Status in_first = end_in(*first_, leases.first, first);
  const Status in_second = end_in(*second_, leases.second, second);
  leases.letters -= std::min(leases.letters, ended);
  if (leases.letters == 0) leases_.erase(held);
  look_whether_spilt();
  if (!in_first) return in_first.error();
  if (!in_second) return in_second.error();
  return ended;
}

Result<std::size_t> SpillingDeadLetterStore::settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) {
  const std::lock_guard lock(mutex_);
  return end(lease, ids, &DeadLetterStore::settle);
}

Result<std::size_t> SpillingDeadLetterStore::release(DeadLetterLease lease, std::span<const DeadLetterId> ids) {
  const std::lock_guard lock(mutex_);
  return end(lease, ids, &DeadLetterStore::release);
}

Result<std::size_t> SpillingDeadLetterStore::renew(DeadLetterLease lease, EventTime now,
                                                   std::chrono::nanoseconds lease_for) {
  const std::lock_guard lock(mutex_);
  const auto held = leases_.find(lease);
  if (held == leases_.end()) return std::size_t{0};
  std::size_t renewed = 0;
  if (held->second.first != 0) {
    const auto done = first_->renew(held->second.first, now, lease_for);
    if (!done) return done;
    renewed += *done;
  }
  if (held->second.second != 0) {
    const auto done = second_->renew(held->second.second, now, lease_for);
    if (!done) return done;
    renewed += *done;
  }
  return renewed;
}

Result<std::size_t> SpillingDeadLetterStore::discard(const DeadLetterFilter& filter, EventTime now) {
  const std::lock_guard lock(mutex_);
  std::size_t discarded = 0;
  for (const bool second : {false, true}) {
    const auto own = filter_for(filter, second);
    if (!own) continue;
    const auto gone = (second ? second_ : first_)->discard(*own, now);
    if (!gone) return gone;
    discarded += *gone;
  }
  look_whether_spilt();
  return discarded;
}

Result<std::vector<ParkedKey>> SpillingDeadLetterStore::parked_keys() const {
  auto all = first_->parked_keys();
  if (!all) return all;
  auto others = second_->parked_keys();
  if (!others) return others;
  const auto before = [](const ParkedKey& a, const ParkedKey& b) {
    return std::pair(std::string_view(a.subscription), std::string_view(a.key)) <
           std::pair(std::string_view(b.subscription), std::string_view(b.key));
  };
  for (ParkedKey& other : *others) {
    const auto at = std::lower_bound(all->begin(), all->end(), other, before);
    if (at != all->end() && !before(other, *at)) {
      at->letters += other.letters;
    } else {
      all->insert(at, std::move(other));
    }
  }
  return all;
}

Result<std::uint64_t> SpillingDeadLetterStore::parked(std::string_view subscription, std::string_view key) const {
  const auto first = first_->parked(subscription, key);
  if (!first) return first;
  const auto second = second_->parked(subscription, key);
  if (!second) return second;
  return *first + *second;
}

Result<DeadLetterCounts> SpillingDeadLetterStore::counts() const {
  const std::lock_guard lock(mutex_);
  const auto first = first_->counts();
  if (!first) return first;
  const auto second = second_->counts();
  if (!second) return second;
  const auto keys = parked_keys();
  if (!keys) return keys.error();
  return DeadLetterCounts{.stored = first->stored + second->stored,
                          .parked_keys = keys->size(),
                          .added = first->added + second->added,
                          .replaced = first->replaced + second->replaced,
                          .settled = first->settled + second->settled,
                          .discarded = first->discarded + second->discarded,
                          .dropped = first->dropped + second->dropped,
                          .refused = second->refused};
}

}  // namespace headrace
