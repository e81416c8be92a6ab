#include "headrace/bus/handled_prefix.hpp"

#include <algorithm>

#include "headrace/base/check.hpp"

namespace headrace {

HandledPrefix::Account HandledPrefix::look() const noexcept {
  return {handled_, events_, out_, !slots_.empty(), has_gap_};
}

HandledPrefix::Account HandledPrefix::account() const {
  const std::scoped_lock lock(mutex_);
  return look();
}

HandledPrefix::Slots::iterator HandledPrefix::find(EventPosition position) {
  const auto at = std::lower_bound(slots_.begin(), slots_.end(), position,
                                   [](const Slot& slot, EventPosition wanted) { return slot.position < wanted; });
  return at != slots_.end() && at->position == position ? at : slots_.end();
}

void HandledPrefix::start_at(EventPosition handled) {
  {
    const std::scoped_lock lock(mutex_);
    HEADRACE_CHECK("handled_prefix.start", slots_.empty(), "it starts anew while events are out");
    handled_ = through_ = handled;
  }
  changed_.notify_all();
}

void HandledPrefix::dispatched(EventPosition position) {
  const std::scoped_lock lock(mutex_);
  HEADRACE_CHECK("handled_prefix.order",
                 position > handled_ && (slots_.empty() || slots_.back().position < position),
                 "events are dispatched in the order of their positions");
  slots_.push_back({position});
  ++out_;
}

void HandledPrefix::take_back(EventPosition position) {
  const std::scoped_lock lock(mutex_);
  if (slots_.empty() || slots_.back().position != position) return;
  slots_.pop_back();
  --out_;
}

void HandledPrefix::looked_through(EventPosition position) {
  {
    const std::scoped_lock lock(mutex_);
    through_ = std::max(through_, position);
    advance();
  }
  changed_.notify_all();
}

void HandledPrefix::advance() noexcept {
  while (!slots_.empty() && slots_.front().ended && !slots_.front().unhandled) {
    handled_ = slots_.front().position;
    ++events_;
    slots_.pop_front();
  }
  if (slots_.empty()) handled_ = std::max(handled_, through_);
}

void HandledPrefix::ended(EventPosition position) noexcept {
  {
    const std::scoped_lock lock(mutex_);
    const auto at = find(position);
    if (at == slots_.end()) return;  // taken back
    at->ended = true;
    --out_;
    advance();
  }
  changed_.notify_all();
}

void HandledPrefix::unhandled(EventPosition position) noexcept {
  const std::scoped_lock lock(mutex_);
  const auto at = find(position);
  if (at == slots_.end()) return;
  at->unhandled = true;
  has_gap_ = true;
}

void HandledPrefix::refused(EventPosition position, const Error& why) noexcept {
  unhandled(position);
  const std::scoped_lock lock(mutex_);
  if (find(position) == slots_.end() || (refusal_ && refused_at_ < position)) return;
  refused_at_ = position;
  refusal_ = why;
}

std::optional<Error> HandledPrefix::refusal() const {
  const std::scoped_lock lock(mutex_);
  return refusal_;
}

EventPosition HandledPrefix::rewind() {
  const std::scoped_lock lock(mutex_);
  HEADRACE_CHECK("handled_prefix.rewind", out_ == 0, "events are out");
  slots_.clear();
  has_gap_ = false;
  refusal_.reset();
  through_ = handled_;
  return handled_;
}

}  // namespace headrace
