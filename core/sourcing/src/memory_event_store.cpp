#include "headrace/sourcing/memory_event_store.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

namespace headrace {
namespace {

// Visitors run without the lock, on copies, a page at a time.
constexpr std::size_t kPageEvents = 256;

EventTime now() {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

/// Shows a page to the visitor; false when it has seen enough.
bool visit_page(std::vector<StoredEvent>& page, const EventVisitor& visitor, ReadEnd& end) {
  for (StoredEvent& event : page) {
    ++end.events;
    end.through = event.position;
    if (visitor(event) == Visit::stop) return false;
  }
  return true;
}

}  // namespace

MemoryEventStore::MemoryEventStore(MemoryEventStoreOptions options) : options_(options) {
  if (options_.position_step == 0) throw ConfigError("position_step: 0, events need positions of their own");
}

Result<AppendReceipt> MemoryEventStore::append(const AppendRequest& request) {
  if (auto checked = check_append(request); !checked) return checked.error();
  AppendReceipt receipt;
  receipt.streams.resize(request.streams.size());
  const std::lock_guard lock(mutex_);
  if (find_stored_ids(request, receipt) || find_conflict(request, receipt)) return receipt;
  store(request, receipt);
  appended_.notify_all();
  return receipt;
}

void MemoryEventStore::submit(AppendRequest request, std::function<void(Result<AppendReceipt>)> done) {
  done(append(request));
}

bool MemoryEventStore::find_stored_ids(const AppendRequest& request, AppendReceipt& receipt) const {
  std::size_t events = 0;
  std::size_t stored = 0;
  std::size_t stored_elsewhere = 0;
  for (std::size_t at = 0; at < request.streams.size(); ++at) {
    const StreamAppend& append = request.streams[at];
    auto& place = receipt.streams[at];
    for (const EncodedEvent& event : append.events) {
      ++events;
      const auto found = event.envelope.id ? positions_.find(event.envelope.id) : positions_.end();
      if (found == positions_.end()) continue;
      const StoredEvent& before = events_.at(found->second);
      ++(before.stream == append.stream ? stored : stored_elsewhere);
      if (place.first == 0) place.first = before.version;
      place.last = before.version;
      receipt.last = std::max(receipt.last, before.position);
      receipt.culprit = at;
    }
  }
  if (stored + stored_elsewhere == 0) return false;
  receipt.outcome = stored == events ? AppendOutcome::duplicate : AppendOutcome::id_conflict;
  return true;
}

bool MemoryEventStore::find_conflict(const AppendRequest& request, AppendReceipt& receipt) const {
  for (std::size_t at = 0; at < request.streams.size(); ++at) {
    const auto stream = streams_.find(request.streams[at].stream);
    receipt.streams[at].last = stream == streams_.end() ? 0 : stream->second.version;
    if (!request.streams[at].expected.holds(receipt.streams[at].last)) {
      receipt.outcome = AppendOutcome::version_conflict;
      receipt.culprit = at;
      return true;
    }
  }
  for (std::size_t at = 0; at < request.conditions.size(); ++at) {
    const AppendCondition& condition = request.conditions[at];
    const auto found = std::find_if(events_.upper_bound(condition.after), events_.end(), [&](const auto& entry) {
      return matches(condition.unless, entry.second.event.envelope);
    });
    if (found == events_.end()) continue;
    receipt.outcome = AppendOutcome::condition_failed;
    receipt.culprit = at;
    receipt.last = found->first;
    return true;
  }
  return false;
}

void MemoryEventStore::store(const AppendRequest& request, AppendReceipt& receipt) {
  const EventTime time = now();
  for (std::size_t at = 0; at < request.streams.size(); ++at) {
    const StreamAppend& append = request.streams[at];
    if (append.events.empty()) continue;
    Stream& stream = streams_[append.stream];
    receipt.streams[at].first = stream.version + 1;
    for (const EncodedEvent& event : append.events) {
      last_ += options_.position_step;
      StoredEvent stored{last_, append.stream, ++stream.version, time, event};
      if (!stored.event.envelope.id) stored.event.envelope.id = EventId::make();
      positions_.emplace(stored.event.envelope.id, last_);
      stream.kept.emplace(stream.version, last_);
      events_.emplace_hint(events_.end(), last_, std::move(stored));
    }
    receipt.streams[at].last = stream.version;
  }
  receipt.last = last_;
}

Result<ReadEnd> MemoryEventStore::read_stream(const StreamRead& read, const EventVisitor& visitor) {
  ReadEnd end;
  StreamVersion from = read.from;
  StreamVersion to = read.to;
  std::vector<StoredEvent> page;
  while (end.events < read.limit && from <= to) {
    page.clear();
    {
      const std::lock_guard lock(mutex_);
      const auto found = streams_.find(read.stream);
      if (found == streams_.end()) break;
      const auto& kept = found->second.kept;
      const auto first = kept.lower_bound(from);
      auto last = kept.upper_bound(to);
      const auto room = std::min(kPageEvents, read.limit - end.events);
      if (read.direction == Direction::forward) {
        for (auto at = first; at != last && page.size() < room; ++at) page.push_back(events_.at(at->second));
      } else {
        while (last != first && page.size() < room) page.push_back(events_.at((--last)->second));
      }
    }
    if (page.empty()) break;
    const StreamVersion reached = page.back().version;
    if (!visit_page(page, visitor, end)) break;
    if (read.direction == Direction::forward) {
      from = reached + 1;
    } else {
      to = reached - 1;
    }
  }
  return end;
}

Result<ReadEnd> MemoryEventStore::read_all(const GlobalRead& read, const EventVisitor& visitor) {
  ReadEnd end;
  EventPosition after = read.after;
  EventPosition to = read.to;
  std::vector<StoredEvent> page;
  while (end.events < read.limit && after < to) {
    page.clear();
    std::optional<EventPosition> exhausted;  // nothing more in the range, looked at up to here
    {
      const std::lock_guard lock(mutex_);
      const auto room = std::min(kPageEvents, read.limit - end.events);
      const auto take = [&](const StoredEvent& event) {
        if (matches(read.query, event.event.envelope)) page.push_back(event);
        return page.size() < room;
      };
      const auto first = events_.upper_bound(after);
      auto last = events_.upper_bound(to);
      if (read.direction == Direction::forward) {
        auto at = first;
        while (at != last && take(at->second)) ++at;
        if (at == last) exhausted = std::min(to, std::max(last_, after));
      } else {
        while (last != first && take((--last)->second)) {
        }
        if (last == first) exhausted = after;
      }
    }
    const EventPosition reached = page.empty() ? 0 : page.back().position;
    if (!visit_page(page, visitor, end)) break;
    if (exhausted) {
      if (read.direction == Direction::forward) end.through = *exhausted;
      break;
    }
    if (read.direction == Direction::forward) {
      after = reached;
    } else {
      to = reached - 1;
    }
  }
  if (read.direction == Direction::forward) end.through = std::max(end.through, read.after);
  return end;
}

StreamInfo MemoryEventStore::describe(const std::string& name, const Stream& stream) const {
  return {name, stream.version, stream.kept.empty() ? stream.version + 1 : stream.kept.begin()->first};
}

Result<StreamInfo> MemoryEventStore::stream(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(name);
  return found == streams_.end() ? StreamInfo{std::string{name}, 0, 1} : describe(found->first, found->second);
}

Result<std::vector<StreamInfo>> MemoryEventStore::streams(std::string_view after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<StreamInfo> found;
  for (auto at = streams_.upper_bound(after); at != streams_.end() && found.size() < limit; ++at) {
    found.push_back(describe(at->first, at->second));
  }
  return found;
}

Result<EventPosition> MemoryEventStore::last_position() {
  const std::lock_guard lock(mutex_);
  return last_;
}

Result<EventPosition> MemoryEventStore::wait_beyond(EventPosition position, std::chrono::milliseconds time,
                                                    std::stop_token stop) {
  std::unique_lock lock(mutex_);
  appended_.wait_for(lock, stop, time, [&] { return last_ > position; });
  return last_;
}

void MemoryEventStore::forget(Events::iterator event) {
  positions_.erase(event->second.event.envelope.id);
  streams_.find(event->second.stream)->second.kept.erase(event->second.version);
  events_.erase(event);
}

Status MemoryEventStore::truncate_stream(std::string_view name, StreamVersion keep_from) {
  const std::lock_guard lock(mutex_);
  const auto stream = streams_.find(name);
  if (stream == streams_.end()) return Nothing{};
  auto& kept = stream->second.kept;
  while (!kept.empty() && kept.begin()->first < keep_from) forget(events_.find(kept.begin()->second));
  return Nothing{};
}

Status MemoryEventStore::truncate_all(EventPosition keep_from) {
  const std::lock_guard lock(mutex_);
  while (!events_.empty() && events_.begin()->first < keep_from) forget(events_.begin());
  return Nothing{};
}

}  // namespace headrace
