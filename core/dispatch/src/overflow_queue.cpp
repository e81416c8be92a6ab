#include "headrace/dispatch/overflow_queue.hpp"

namespace headrace {

OverflowQueue::~OverflowQueue() {
  for (Taken taken = take_from_queue(); taken.entry != nullptr; taken = take_from_queue()) {
    if (taken.event != nullptr) taken.event->release();
  }
  forget_keys();
}

void OverflowQueue::disown(Node* node) noexcept {
  if (node->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) {  // O7 <-> O7: the last owner deletes
    delete node;
  }
}

void OverflowQueue::enqueue(Node* node) {
  // Counted before it is there: the worker may look in vain once, the publisher never misses that something waits.
  pending_.fetch_add(1, std::memory_order_release);  // O1 -> O2
  nodes_.enqueue(producer_, node);
}

void OverflowQueue::push(const DispatchEntry& entry, SharedEvent* event) {
  enqueue(new Node{&entry, {event}, {1}});
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
  auto* node = new Node{&entry, {event}, {2}};
  waiting_.emplace(KeyOf{&entry, key}, node);
  enqueue(node);
}

OverflowQueue::Taken OverflowQueue::take_from_queue() {
  Node* node = nullptr;
  if (!nodes_.try_dequeue(node)) return {};
  const Taken taken{node->entry, node->event.exchange(nullptr, std::memory_order_acq_rel)};  // O6 <- O5
  disown(node);
  return taken;
}

OverflowQueue::Taken OverflowQueue::drop_oldest() {
  const Taken taken = take_from_queue();
  if (taken.entry != nullptr) {
    pending_.fetch_sub(1, std::memory_order_relaxed);  // no partner: the publisher's own doing
  }
  return taken;
}

OverflowQueue::Taken OverflowQueue::take() { return take_from_queue(); }

void OverflowQueue::forget_keys() {
  for (const auto& [key, node] : waiting_) disown(node);
  waiting_.clear();
}

}  // namespace headrace
