#include "headrace/simulation/simulated_publisher.hpp"

#include <algorithm>

namespace headrace {

/// One of the next few comes first, if none before it has its key.
void SimulatedPublisher::reorder() {
  const std::size_t to = random_.between(1, kOvertakesMax);
  if (to >= waiting_.size() || waiting_[to].due_ns > time_.now_ns()) return;
  const auto chosen = waiting_.begin() + static_cast<std::ptrdiff_t>(to);
  const auto same_key = [&](const Waiting& other) { return other.key == chosen->key; };
  if (std::any_of(waiting_.begin(), chosen, same_key)) return;
  std::rotate(waiting_.begin(), chosen, chosen + 1);
}

bool SimulatedPublisher::run() {
  if (!refused_) {
    if (random_.hits(faults_.reorder)) reorder();
    if (random_.hits(faults_.drop)) {
      waiting_.pop_front();
      ++lost_;
      return true;
    }
  }
  const PublishResult result = waiting_.front().publish(publisher_);
  ++answers_[static_cast<std::size_t>(result.status())];
  refused_ = result.status() == PublishStatus::full;
  if (refused_) return false;
  if (random_.hits(faults_.duplicate)) {
    ++duplicated_;
  } else {
    waiting_.pop_front();
  }
  return true;
}

}  // namespace headrace
