#include "headrace/port/send_buffer.hpp"

#include <algorithm>
#include <utility>

#include "headrace/port/deadline.hpp"

namespace headrace {

void SendBuffer::open() {
  const std::scoped_lock lock(mutex_);
  open_ = true;
}

SendResult SendBuffer::put(Message&& message, Sink::Confirm confirm) {
  {
    const std::scoped_lock lock(mutex_);
    if (!open_) return SendResult::closed;
    if (!has_room()) return SendResult::full;
    bytes_ += message_bytes(message);
    waiting_.push_back({++numbered_, std::move(message), std::move(confirm), false});
  }
  if (woken_) woken_();
  return SendResult::taken;
}

bool SendBuffer::wait_for_room(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return room_.wait_for(lock, bounded(deadline), [this] { return !open_ || has_room(); }) && open_;
}

void SendBuffer::close() {
  {
    const std::scoped_lock lock(mutex_);
    open_ = false;
  }
  room_.notify_all();
}

bool SendBuffer::wait_until_empty(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return room_.wait_for(lock, bounded(deadline),
                        [this] { return waiting_.empty() && flying_ == 0 && settling_ == 0; });
}

std::size_t SendBuffer::size() const {
  const std::scoped_lock lock(mutex_);
  return waiting_.size() + flying_;
}

std::size_t SendBuffer::in_flight() const {
  const std::scoped_lock lock(mutex_);
  return flying_;
}

const SendBuffer::Item* SendBuffer::next() {
  const std::scoped_lock lock(mutex_);
  if (waiting_.empty() || flying_ >= limits_.window) return nullptr;
  sent_.push_back(std::move(waiting_.front()));
  waiting_.pop_front();
  ++flying_;
  return &sent_.back();
}

void SendBuffer::settle(std::deque<Item> items, const Status& answer) {
  room_.notify_all();
  for (Item& item : items) {
    if (item.confirm) item.confirm(answer);
  }
  {
    const std::scoped_lock lock(mutex_);
    --settling_;
  }
  room_.notify_all();
}

void SendBuffer::confirm(std::uint64_t number, const Status& answer) {
  std::deque<Item> confirmed;
  {
    const std::scoped_lock lock(mutex_);
    const auto at = std::ranges::find(sent_, number, &Item::number);
    if (number == 0 || at == sent_.end()) return;
    bytes_ -= message_bytes(at->message);
    --flying_;
    ++settling_;
    confirmed.push_back(std::exchange(*at, Item{}));
    while (!sent_.empty() && sent_.front().number == 0) sent_.pop_front();
  }
  settle(std::move(confirmed), answer);
}

void SendBuffer::confirm_up_to(std::uint64_t number, const Status& answer) {
  std::deque<Item> confirmed;
  {
    const std::scoped_lock lock(mutex_);
    ++settling_;
    while (!sent_.empty() && sent_.front().number <= number) {
      if (sent_.front().number != 0) {
        bytes_ -= message_bytes(sent_.front().message);
        --flying_;
        confirmed.push_back(std::move(sent_.front()));
      }
      sent_.pop_front();
    }
  }
  settle(std::move(confirmed), answer);
}

void SendBuffer::send_again() {
  const std::scoped_lock lock(mutex_);
  for (; !sent_.empty(); sent_.pop_back()) {
    if (sent_.back().number == 0) continue;
    sent_.back().sent_before = true;
    waiting_.push_front(std::move(sent_.back()));
  }
  flying_ = 0;
}

std::size_t SendBuffer::abandon(const Error& error) {
  std::deque<Item> all;
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return settling_ == 0; });
    ++settling_;
    for (Item& item : sent_) {
      if (item.number != 0) all.push_back(std::move(item));
    }
    for (Item& item : waiting_) all.push_back(std::move(item));
    sent_.clear();
    waiting_.clear();
    flying_ = 0;
    bytes_ = 0;
  }
  const std::size_t count = all.size();
  settle(std::move(all), error);
  return count;
}

}  // namespace headrace
