#include "headrace/memory/memory_broker.hpp"

#include <algorithm>
#include <utility>

#include "headrace/port/deadline.hpp"

namespace headrace::memory {

MemoryBroker::Connection MemoryBroker::connect() {
  const std::scoped_lock lock(mutex_);
  if (!up_) return 0;
  return connections_.emplace_back(++numbered_);
}

bool MemoryBroker::is_connected(Connection connection) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::find(connections_, connection) != connections_.end();
}

void MemoryBroker::put_back(Queue& queue, Stored stored) {
  --queue.out;
  queue.waiting.push_front(std::move(stored));
}

void MemoryBroker::disconnect(Connection connection) {
  {
    const std::scoped_lock lock(mutex_);
    std::erase(connections_, connection);
    // From the last taken to the first, so that they stand at the front in their old order.
    for (auto at = out_.end(); at != out_.begin();) {
      --at;
      if (at->second.connection != connection) continue;
      put_back(queues_[at->second.queue], std::move(at->second.stored));
      at = out_.erase(at);
    }
  }
  changed_.notify_all();
}

MemoryBroker::Put MemoryBroker::put(Connection connection, const Message& message) {
  {
    const std::scoped_lock lock(mutex_);
    if (std::ranges::find(connections_, connection) == connections_.end()) return Put::disconnected;
    Queue& queue = queues_[message.topic];
    if (queue.waiting.size() + queue.out >= options_.queue_messages_max) return Put::full;
    queue.waiting.push_back({0, message});
  }
  changed_.notify_all();
  return Put::stored;
}

std::vector<MemoryBroker::Taken> MemoryBroker::take(Connection connection, std::string_view name,
                                                    std::size_t count, std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  Queue& queue = queues_[std::string(name)];
  const std::uint64_t wakes = wakes_;
  const auto connected = [&] { return std::ranges::find(connections_, connection) != connections_.end(); };
  changed_.wait_for(lock, bounded(deadline),
                    [&] { return !queue.waiting.empty() || wakes_ != wakes || !connected(); });
  std::vector<Taken> taken;
  if (!connected()) return taken;
  for (; count > 0 && !queue.waiting.empty(); --count) {
    Stored stored = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    ++queue.out;
    ++stored.attempts;
    taken.push_back({++numbered_, stored.attempts, stored.message});
    out_.emplace(numbered_, Out{connection, std::string(name), std::move(stored)});
  }
  return taken;
}

void MemoryBroker::settle(Connection connection, std::uint64_t tag, Settlement settlement) {
  {
    const std::scoped_lock lock(mutex_);
    const auto at = out_.find(tag);
    if (at == out_.end() || at->second.connection != connection) return;
    Queue& queue = queues_[at->second.queue];
    Stored stored = std::move(at->second.stored);
    out_.erase(at);
    const bool exhausted = options_.attempts_max != 0 && stored.attempts >= options_.attempts_max;
    if (settlement == Settlement::retry && !exhausted) {
      put_back(queue, std::move(stored));
    } else {
      --queue.out;
      if (settlement != Settlement::done) queue.dead.push_back(std::move(stored.message));
    }
  }
  changed_.notify_all();
}

void MemoryBroker::wake() {
  {
    const std::scoped_lock lock(mutex_);
    ++wakes_;
  }
  changed_.notify_all();
}

void MemoryBroker::stop() {
  std::vector<Connection> ended;
  {
    const std::scoped_lock lock(mutex_);
    up_ = false;
    ended = connections_;
  }
  for (const Connection connection : ended) disconnect(connection);
}

void MemoryBroker::start_again() {
  const std::scoped_lock lock(mutex_);
  up_ = true;
}

std::vector<Message> MemoryBroker::dead_letters(std::string_view queue) const {
  const std::scoped_lock lock(mutex_);
  const auto at = queues_.find(queue);
  return at == queues_.end() ? std::vector<Message>() : at->second.dead;
}

std::size_t MemoryBroker::size(std::string_view queue) const {
  const std::scoped_lock lock(mutex_);
  const auto at = queues_.find(queue);
  return at == queues_.end() ? 0 : at->second.waiting.size() + at->second.out;
}

}  // namespace headrace::memory
