#include "headrace/delivery/memory_dead_letter_store.hpp"

#include "headrace/event/time_after.hpp"

#include <algorithm>

namespace headrace {

namespace {

bool is_held(DeadLetterLease lease, EventTime held_until, EventTime now) { return lease != 0 && held_until > now; }

}  // namespace

bool MemoryDeadLetterStore::make_room(Added& added) {
  if (letters_.size() < options_.letters_max) return true;
  if (options_.when_full == WhenFull::drop_oldest) {
    const auto oldest =
        std::find_if(letters_.begin(), letters_.end(), [](const auto& entry) { return entry.second.lease == 0; });
    if (oldest != letters_.end()) {
      erase(oldest);
      ++counts_.dropped;
      ++added.dropped;
      return true;
    }
  }
  return false;
}

MemoryDeadLetterStore::Letters::iterator MemoryDeadLetterStore::find_again(const DeadLetter& letter) {
  if (letter.envelope.id.is_none()) return letters_.end();
  const auto known = by_event_.find({letter.subscription, letter.envelope.id});
  return known == by_event_.end() ? letters_.end() : letters_.find(known->second);
}

void MemoryDeadLetterStore::replace(Stored& stored, DeadLetter&& letter) {
  const bool parked = stored.letter.parks_key;
  const Place place{stored.letter.subscription, stored.letter.envelope.key};
  continue_letter(letter, std::move(stored.letter));
  // An edited event may come back with another key.
  if (parked) {
    const auto row = parked_.find(place);
    row->second.erase(letter.id);
    if (row->second.empty()) parked_.erase(row);
  }
  if (letter.parks_key) parked_[{letter.subscription, letter.envelope.key}].insert(letter.id);
  stored = Stored{std::move(letter)};
  ++counts_.replaced;
}

void MemoryDeadLetterStore::insert(DeadLetter&& letter) {
  letter.id = ++last_id_;
  letter.redrives = 0;
  if (letter.parks_key) parked_[{letter.subscription, letter.envelope.key}].insert(letter.id);
  if (!letter.envelope.id.is_none()) by_event_[{letter.subscription, letter.envelope.id}] = letter.id;
  letters_.emplace_hint(letters_.end(), last_id_, Stored{std::move(letter)});
  ++counts_.added;
}

MemoryDeadLetterStore::Letters::iterator MemoryDeadLetterStore::erase(Letters::iterator at) {
  const DeadLetter& letter = at->second.letter;
  if (letter.parks_key) {
    const auto row = parked_.find({letter.subscription, letter.envelope.key});
    row->second.erase(letter.id);
    if (row->second.empty()) parked_.erase(row);
  }
  if (!letter.envelope.id.is_none()) by_event_.erase({letter.subscription, letter.envelope.id});
  return letters_.erase(at);
}

Result<Added> MemoryDeadLetterStore::add(std::span<DeadLetter> letters) {
  for (const DeadLetter& letter : letters) {
    if (!letter.event && !letter.body) {
      return Error{"a dead letter holds neither its event nor its bytes", letter.envelope.topic};
    }
  }
  const std::lock_guard lock{mutex_};
  Added added;
  for (DeadLetter& letter : letters) {
    if (const auto again = find_again(letter); again != letters_.end()) {
      replace(again->second, std::move(letter));
      ++added.replaced;
    } else if (make_room(added)) {
      insert(std::move(letter));
    } else {
      counts_.refused += letters.size() - added.letters;
      break;
    }
    ++added.letters;
  }
  return added;
}

Result<std::vector<DeadLetter>> MemoryDeadLetterStore::list(const DeadLetterFilter& filter,
                                                            std::size_t letters_max) const {
  const std::lock_guard lock{mutex_};
  std::vector<DeadLetter> found;
  if (filter.event && filter.subscription && !filter.event->is_none()) {
    const auto known = by_event_.find({*filter.subscription, *filter.event});
    if (known == by_event_.end() || letters_max == 0) return found;
    const DeadLetter& letter = letters_.at(known->second).letter;
    if (filter.matches(letter)) found.push_back(letter);
    return found;
  }
  for (auto at = letters_.upper_bound(filter.after); at != letters_.end() && found.size() < letters_max; ++at) {
    if (filter.matches(at->second.letter)) found.push_back(at->second.letter);
  }
  return found;
}

Result<std::optional<DeadLetter>> MemoryDeadLetterStore::show(DeadLetterId id) const {
  const std::lock_guard lock{mutex_};
  const auto at = letters_.find(id);
  return at == letters_.end() ? std::nullopt : std::optional{at->second.letter};
}

Result<Taken> MemoryDeadLetterStore::take(const TakeRequest& request) {
  const std::lock_guard lock{mutex_};
  Taken taken;
  std::map<Place, std::set<DeadLetterId>::const_iterator>
      turns;  // of each parked key, the letter whose turn it is
  for (auto at = letters_.upper_bound(request.filter.after);
       at != letters_.end() && taken.letters.size() < request.letters_max; ++at) {
    Stored& stored = at->second;
    if (is_held(stored.lease, stored.held_until, request.now) || !request.filter.matches(stored.letter)) continue;
    if (stored.letter.parks_key) {
      const Place place{stored.letter.subscription, stored.letter.envelope.key};
      auto& turn = turns.try_emplace(place, parked_.at(place).begin()).first->second;
      if (*turn != stored.letter.id) continue;
      ++turn;
    }
    if (taken.lease == 0) taken.lease = ++last_lease_;
    stored.lease = taken.lease;
    stored.held_until = time_after(request.now, request.lease_for);
    ++stored.letter.redrives;
    taken.letters.push_back(stored.letter);
  }
  return taken;
}

Result<std::size_t> MemoryDeadLetterStore::settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) {
  const std::lock_guard lock{mutex_};
  std::size_t settled = 0;
  for (const DeadLetterId id : ids) {
    const auto at = letters_.find(id);
    if (lease == 0 || at == letters_.end() || at->second.lease != lease) continue;
    erase(at);
    ++settled;
  }
  counts_.settled += settled;
  return settled;
}

Result<std::size_t> MemoryDeadLetterStore::release(DeadLetterLease lease, std::span<const DeadLetterId> ids) {
  const std::lock_guard lock{mutex_};
  std::size_t released = 0;
  for (const DeadLetterId id : ids) {
    const auto at = letters_.find(id);
    if (lease == 0 || at == letters_.end() || at->second.lease != lease) continue;
    at->second.lease = 0;
    ++released;
  }
  return released;
}

Result<std::size_t> MemoryDeadLetterStore::renew(DeadLetterLease lease, EventTime now,
                                                 std::chrono::nanoseconds lease_for) {
  const std::lock_guard lock{mutex_};
  std::size_t renewed = 0;
  for (auto& [id, stored] : letters_) {
    if (lease == 0 || stored.lease != lease) continue;
    stored.held_until = time_after(now, lease_for);
    ++renewed;
  }
  return renewed;
}

Result<std::size_t> MemoryDeadLetterStore::discard(const DeadLetterFilter& filter, EventTime now) {
  const std::lock_guard lock{mutex_};
  std::size_t discarded = 0;
  for (auto at = letters_.upper_bound(filter.after); at != letters_.end();) {
    const Stored& stored = at->second;
    if (is_held(stored.lease, stored.held_until, now) || !filter.matches(stored.letter)) {
      ++at;
    } else {
      at = erase(at);
      ++discarded;
    }
  }
  counts_.discarded += discarded;
  return discarded;
}

Result<std::vector<ParkedKey>> MemoryDeadLetterStore::parked_keys() const {
  const std::lock_guard lock{mutex_};
  std::vector<ParkedKey> keys;
  for (const auto& [place, ids] : parked_) keys.push_back({place.first, place.second, ids.size()});
  return keys;
}

Result<std::uint64_t> MemoryDeadLetterStore::parked(std::string_view subscription, std::string_view key) const {
  const std::lock_guard lock{mutex_};
  const auto row = parked_.find({std::string{subscription}, std::string{key}});
  return row == parked_.end() ? std::uint64_t{0} : std::uint64_t{row->second.size()};
}

Result<DeadLetterCounts> MemoryDeadLetterStore::counts() const {
  const std::lock_guard lock{mutex_};
  DeadLetterCounts counts = counts_;
  counts.stored = letters_.size();
  counts.parked_keys = parked_.size();
  return counts;
}

}  // namespace headrace
