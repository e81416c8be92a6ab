#include "headrace/dispatch/overflow_queue.hpp"

#include <algorithm>

namespace headrace {

OverflowQueue::~OverflowQueue() {
  for (Taken taken = take(); taken.entry != nullptr; taken = take()) taken.event->release();
  forget_keys();
}

void OverflowQueue::disown(Node* node) noexcept {
  if (node->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) {  // O7 <-> O7: the last owner deletes
    delete node;
  }
}

void OverflowQueue::enqueue(Node* node) {
  Line& to = line(node->entry->place.overflow.policy);
  // Counted before it is there: the worker may look in vain once, the publisher never misses that something waits.
  to.pending.fetch_add(1, std::memory_order_release);  // O1 -> O2
  to.nodes.enqueue(to.producer, node);
}

void OverflowQueue::push(const DispatchEntry& entry, SharedEvent* event) {
  enqueue(new Node{&entry, {event}, {1}});
}

bool OverflowQueue::waits(const DispatchEntry& entry, std::uint64_t key) const {
  const auto found = waiting_.find({&entry, key});
  return found != waiting_.end() &&
         found->second->event.load(std::memory_order_relaxed) != nullptr;  // no partner: replace() decides
}

SharedEvent* OverflowQueue::replace(const DispatchEntry& entry, std::uint64_t key, SharedEvent* event) {
  const auto found = waiting_.find({&entry, key});
  if (found == waiting_.end()) return nullptr;
  SharedEvent* seen = found->second->event.load(std::memory_order_relaxed);  // no partner: the exchange decides
  while (seen != nullptr) {
    if (found->second->event.compare_exchange_weak(seen, event, std::memory_order_acq_rel,  // O5 -> O6
                                                   std::memory_order_relaxed)) {  // no partner: tried again
      return seen;
    }
  }
  disown(found->second);
  waiting_.erase(found);
  return nullptr;
}

void OverflowQueue::push_replaceable(const DispatchEntry& entry, std::uint64_t key, SharedEvent* event) {
  if (waiting_.size() >= sweep_at_) {
    std::erase_if(waiting_, [](const auto& known) {
      // no partner: whoever took the event is done with the node but for disowning it
      if (known.second->event.load(std::memory_order_relaxed) != nullptr) return false;
      disown(known.second);
      return true;
    });
    sweep_at_ = std::max<std::size_t>(64, 2 * waiting_.size());
  }
  auto* node = new Node{&entry, {event}, {2}};
  waiting_.emplace(KeyOf{&entry, key}, node);
  enqueue(node);
}

OverflowQueue::Taken OverflowQueue::take_from(Line& line) {
  Node* node = nullptr;
  if (!line.nodes.try_dequeue(node)) return {};
  const Taken taken{node->entry, node->event.exchange(nullptr, std::memory_order_acq_rel)};  // O6 <- O5
  disown(node);
  return taken;
}

OverflowQueue::Taken OverflowQueue::drop_oldest() {
  Line& from = line(Policy::drop_oldest);
  const Taken taken = take_from(from);
  if (taken.entry != nullptr) {
    from.pending.fetch_sub(1, std::memory_order_relaxed);  // no partner: the publisher's own doing
  }
  return taken;
}

OverflowQueue::Taken OverflowQueue::take() {
  for (Line& line : lines_) {
    if (line.pending.load(std::memory_order_acquire) == 0) continue;  // O2 <- O1
    if (const Taken taken = take_from(line); taken.entry != nullptr) return taken;
  }
  return {};
}

void OverflowQueue::forget_keys() {
  for (const auto& [key, node] : waiting_) disown(node);
  waiting_.clear();
}

}  // namespace headrace
