#include "dedup_desk.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "headrace/base/time_source.hpp"

namespace headrace {

using std::chrono::steady_clock;

DedupDesk::DedupDesk(const DeduplicatedSourceOptions& options, Source::Deliver deliver)
    : options_(options),
      deliver_(std::move(deliver)),
      backoff_(options.again, reinterpret_cast<std::uintptr_t>(this)),
      renew_at_(steady_clock::now() + options.renew_every) {}

void DedupDesk::arrive(ReceivedMessage&& received) {
  ReceivedMessage kept = std::move(received);
  std::optional<DedupKey> key = options_.key(kept.message);
  const std::scoped_lock lock(mutex_);
  if (phase_ != Phase::runs) return;  // back to the broker
  arrived_.push_back({std::move(kept), key});
  changed_.notify_one();
}

void DedupDesk::take(Answer answer) noexcept {
  const std::scoped_lock lock(mutex_);
  if (phase_ == Phase::closed) return;
  answered_.push_back(std::move(answer));
  changed_.notify_one();
}

void DedupDesk::enter(Phase phase) {
  const std::scoped_lock lock(mutex_);
  phase_ = std::max(phase_, phase);
  changed_.notify_one();
}

std::uint64_t DedupDesk::copies() const {
  const std::scoped_lock lock(mutex_);
  return copies_;
}

void DedupDesk::count_copy() {
  const std::scoped_lock lock(mutex_);
  ++copies_;
}

void DedupDesk::run() {
  while (wait()) {
    if (steady_clock::now() >= again_at_) end_answered();
    if (drains_) waiting_.clear();  // back to the broker
    if (steady_clock::now() >= again_at_) {
      while (admit()) {
      }
    }
    if (steady_clock::now() >= renew_at_) renew();
  }
  // Nobody answers for the rest any more.
  by_key_.clear();
  open_.clear();
  waiting_.clear();
}

/// For something to do; false when it is closed.
bool DedupDesk::wait() {
  std::unique_lock lock(mutex_);
  const bool has_more = !waiting_.empty() || !ending_.empty();
  changed_.wait_until(lock, has_more ? std::min(again_at_, renew_at_) : renew_at_, [this] {
    return !arrived_.empty() || !answered_.empty() || phase_ == Phase::closed ||
           (phase_ == Phase::drains && !drains_);
  });
  std::ranges::move(arrived_, std::back_inserter(waiting_));
  arrived_.clear();
  std::ranges::move(answered_, std::back_inserter(ending_));
  answered_.clear();
  if (phase_ == Phase::drains && !drains_) {
    drains_ = true;
    again_at_ = {};
  }
  return phase_ != Phase::closed;
}

/// When the store has not, it is asked again after a while.
bool DedupDesk::has_answered(const Status& answer) {
  if (options_.on_store) options_.on_store(answer);
  if (!answer) rest();
  return answer.has_value();
}

void DedupDesk::rest() { again_at_ = steady_clock::now() + backoff_.next(); }

/// Records what was answered, then tells the broker.
void DedupDesk::end_answered() {
  while (!ending_.empty()) {
    const std::size_t count = std::min(ending_.size(), options_.batch_max);
    std::vector<DedupFinish> ends;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& key = open_.at(ending_[i].tag).key;
      const bool is_done = ending_[i].settlement == Settlement::done;
      if (key) ends.push_back({*key, is_done ? DedupEnd::done : DedupEnd::failed});
    }
    if (!ends.empty()) {
      const auto ended = options_.store->finish(ends, options_.owner, TimeSource().wall_time());
      const bool is_recorded = has_answered(ended ? Status(Nothing{}) : Status(ended.error()));
      if (!is_recorded && !drains_) return;
      if (is_recorded) backoff_.reset();
    }
    for (std::size_t i = 0; i < count; ++i) tell(ending_[i]);
    ending_.erase(ending_.begin(), ending_.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

void DedupDesk::tell(const Answer& answer) {
  const auto open = open_.find(answer.tag);
  if (open->second.key) by_key_.erase(*open->second.key);
  // Out of the books first: the broker may deliver it again at once.
  std::vector<Settle> settles = std::move(open->second.settles);
  open_.erase(open);
  for (Settle& settle : settles) {
    answer.settlement == Settlement::reject ? settle.reject(answer.reason) : settle(answer.settlement);
  }
}

/// Hands on the first that wait; whether it is to go on with the next.
bool DedupDesk::admit() {
  Keys keys;
  std::map<DedupKey, std::size_t> places;
  for (std::size_t i = 0; i < waiting_.size() && keys.size() < options_.batch_max; ++i) {
    const auto& key = waiting_[i].key;
    if (key && !by_key_.contains(*key) && places.emplace(*key, keys.size()).second) keys.push_back(*key);
  }
  Claims claims(keys.size());
  if (!keys.empty() && !claim(keys, claims)) return false;
  for (; !waiting_.empty(); waiting_.pop_front()) {
    Arrival& first = waiting_.front();
    if (!first.key) {
      hand_on(std::move(first));
      continue;
    }
    if (const auto open = by_key_.find(*first.key); open != by_key_.end()) {
      open_.at(open->second).settles.push_back(std::move(first.received.settle));
      count_copy();
      continue;
    }
    const auto place = places.find(*first.key);
    if (place == places.end()) return true;  // of the next batch
    const DedupClaim claimed = claims[place->second].claim;
    if (claimed == DedupClaim::in_progress || claimed == DedupClaim::full) {
      rest();
      return false;
    }
    backoff_.reset();
    if (claimed == DedupClaim::run) {
      hand_on(std::move(first));
    } else {
      first.received.settle(Settlement::done);
      count_copy();
    }
  }
  return false;
}

/// What is in progress and not open here this owner may have claimed before it was started again, or for an arrival that
/// waits behind another one.
bool DedupDesk::claim(const Keys& keys, Claims& claims) {
  DedupStore& store = *options_.store;
  if (!has_answered(store.claim(keys, options_.owner, TimeSource().wall_time(), claims))) return false;
  Keys former;
  std::vector<DedupFinish> ends;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (claims[i].claim != DedupClaim::in_progress) continue;
    former.push_back(keys[i]);
    ends.push_back({keys[i], DedupEnd::failed});
  }
  if (former.empty()) return true;
  const auto freed = store.finish(ends, options_.owner, TimeSource().wall_time());
  if (!has_answered(freed ? Status(Nothing{}) : Status(freed.error()))) return false;
  if (*freed == 0) return true;
  Claims again(former.size());
  if (!has_answered(store.claim(former, options_.owner, TimeSource().wall_time(), again))) return false;
  for (std::size_t i = 0, at = 0; i < keys.size(); ++i) {
    if (claims[i].claim == DedupClaim::in_progress) claims[i] = again[at++];
  }
  return true;
}

void DedupDesk::hand_on(Arrival&& arrival) {
  const std::uint64_t tag = ++last_tag_;
  Open& open = open_[tag];
  open.key = arrival.key;
  open.settles.push_back(std::move(arrival.received.settle));
  if (arrival.key) by_key_.emplace(*arrival.key, tag);
  arrival.received.settle = Settle(shared_from_this(), tag);
  deliver_(std::move(arrival.received));
}

void DedupDesk::renew() {
  renew_at_ = steady_clock::now() + options_.renew_every;
  Keys keys;
  for (const auto& [key, tag] : by_key_) keys.push_back(key);
  if (keys.empty()) return;
  const EventTime now = TimeSource().wall_time();
  const auto renewed = options_.store->renew(keys, options_.owner, now, now);
  if (options_.on_store) options_.on_store(renewed ? Status(Nothing{}) : Status(renewed.error()));
}

}  // namespace headrace
