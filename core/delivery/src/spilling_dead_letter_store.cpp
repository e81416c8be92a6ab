#include "headrace/delivery/spilling_dead_letter_store.hpp"

#include <algorithm>
#include <iterator>
#include <set>
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

/// How many of the first `most` letters, counted from this one on, are of its key.
std::size_t of_key_among(const std::vector<DeadLetter>& letters, const DeadLetter& first, std::size_t most) {
  std::size_t of_key = 0;
  std::size_t looked = 0;
  for (const DeadLetter& letter : letters) {
    if (letter.id < first.id) continue;
    if (looked++ == most) break;
    of_key += letter.subscription == first.subscription && letter.envelope.key == first.envelope.key ? 1 : 0;
  }
  return of_key;
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

Status SpillingDeadLetterStore::take_some(DeadLetterStore& store, const TakeRequest& request, Taken& all,
                                          Held& held) {
  Result<Taken> found = store.take(request);
  if (!found) return found.error();
  if (&store == second_.get()) name_outside(found->letters);
  for (DeadLetter& letter : found->letters) {
    held.emplace(letter.id, found->lease);
    all.letters.push_back(std::move(letter));
  }
  return Nothing{};
}

Status SpillingDeadLetterStore::take_from_first(const TakeRequest& request, Taken& all, Held& held) {
  const auto own = filter_for(request.filter, false);
  if (!own) return Nothing{};
  TakeRequest mine = request;
  mine.filter = *own;
  return take_some(*first_, mine, all, held);
}

Status SpillingDeadLetterStore::take_from_second(const TakeRequest& request, Taken& all, Held& held) {
  const auto own = filter_for(request.filter, true);
  if (!own || all.letters.size() >= request.letters_max) return Nothing{};
  TakeRequest mine = request;
  mine.filter = *own;
  const auto parked = first_->parked_keys();
  if (!parked) return parked.error();
  if (!parked->empty()) return take_ready(mine, all, held);
  mine.letters_max = request.letters_max - all.letters.size();
  return take_some(*second_, mine, all, held);
}

/// While the first store parks keys some letters of the second may have to wait. They are looked at before they are
/// taken: one that was taken in vain would be written twice, and count as redriven. Letters of one parked key come
/// together or not at all (R3), so they are asked for in one go.
Status SpillingDeadLetterStore::take_ready(const TakeRequest& request, Taken& all, Held& held) {
  constexpr std::size_t kPage = 64;
  DeadLetterFilter page = request.filter;
  for (;;) {
    const auto found = second_->list(page, kPage);
    if (!found) return found.error();
    for (const DeadLetter& letter : *found) {
      if (all.letters.size() >= request.letters_max) return Nothing{};
      if (held.contains(letter.id | kSecond)) continue;
      const auto waits = waits_for_first(letter, all.letters);
      if (!waits) return waits.error();
      if (*waits) continue;
      TakeRequest next = request;
      next.letters_max = 1;
      if (letter.parks_key) {
        next.filter.subscription = letter.subscription;
        next.filter.key = letter.envelope.key;
        next.letters_max = of_key_among(*found, letter, request.letters_max - all.letters.size());
      } else {
        next.filter.id = letter.id;
      }
      if (Status taken = take_some(*second_, next, all, held); !taken) return taken;
    }
    if (found->size() < kPage) return Nothing{};
    page.after = found->back().id;
  }
}

Result<Taken> SpillingDeadLetterStore::take(const TakeRequest& request) {
  const std::lock_guard lock(mutex_);
  Taken all;
  Held held;
  Status done = take_from_first(request, all, held);
  if (done && spills_) done = take_from_second(request, all, held);
  // What was taken is leased by now: it is handed out, and the error comes the next time.
  if (!done && all.letters.empty()) return done.error();
  if (all.letters.empty()) return all;
  std::sort(all.letters.begin(), all.letters.end(),
            [](const DeadLetter& a, const DeadLetter& b) { return a.id < b.id; });
  all.lease = ++last_lease_;
  note_held(all.lease, std::move(held));
  return all;
}

/// A letter that somebody took anew, since the lease before had run out, is no longer that one's.
void SpillingDeadLetterStore::note_held(DeadLetterLease lease, Held held) {
  for (const auto& [letter, inner] : held) {
    if (const auto before = holder_.find(letter); before != holder_.end()) let_go(letter, before->second);
    holder_.emplace(letter, lease);
  }
  leases_.emplace(lease, std::move(held));
}

void SpillingDeadLetterStore::let_go(DeadLetterId letter, DeadLetterLease of) {
  const auto lease = leases_.find(of);
  if (lease == leases_.end() || lease->second.erase(letter) == 0) return;
  holder_.erase(letter);
  if (lease->second.empty()) leases_.erase(lease);
}

/// Letters whose lease had run out may have been discarded.
void SpillingDeadLetterStore::forget_gone_letters() {
  std::vector<std::pair<DeadLetterId, DeadLetterLease>> gone;
  for (const auto& [letter, lease] : holder_) {
    const bool in_second = (letter & kSecond) != 0;
    const auto found = (in_second ? second_ : first_)->show(letter & ~kSecond);
    if (found && !*found) gone.emplace_back(letter, lease);
  }
  for (const auto& [letter, lease] : gone) let_go(letter, lease);
}

std::size_t SpillingDeadLetterStore::leases() const {
  const std::lock_guard lock(mutex_);
  return leases_.size();
}

/// Whether its own store found a letter under the lease or not, it is under it no more.
Result<std::size_t> SpillingDeadLetterStore::end(DeadLetterLease lease, std::span<const DeadLetterId> ids,
                                                 End how) {
  const auto held = leases_.find(lease);
  if (held == leases_.end()) return std::size_t{0};
  using Place = std::pair<DeadLetterStore*, DeadLetterLease>;
  std::map<Place, std::vector<DeadLetterId>> of_place;
  for (const DeadLetterId id : ids) {
    const auto letter = held->second.find(id);
    if (letter == held->second.end()) continue;
    DeadLetterStore* const store = (id & kSecond) != 0 ? second_.get() : first_.get();
    of_place[{store, letter->second}].push_back(id);
  }
  std::size_t ended = 0;
  Status status = Nothing{};
  for (const auto& [place, letters] : of_place) {
    std::vector<DeadLetterId> inner;
    for (const DeadLetterId id : letters) inner.push_back(id & ~kSecond);
    const auto done = (place.first->*how)(place.second, inner);
    if (!done) {
      status = done.error();
      continue;
    }
    ended += *done;
    for (const DeadLetterId id : letters) let_go(id, lease);
  }
  look_whether_spilt();
  if (!status) return status.error();
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
  std::set<std::pair<DeadLetterStore*, DeadLetterLease>> places;
  for (const auto& [letter, inner] : held->second) {
    places.emplace((letter & kSecond) != 0 ? second_.get() : first_.get(), inner);
  }
  std::size_t renewed = 0;
  for (const auto& [store, inner] : places) {
    const auto done = store->renew(inner, now, lease_for);
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
  if (discarded != 0) forget_gone_letters();
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
