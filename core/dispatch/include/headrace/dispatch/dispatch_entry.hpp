#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "headrace/dispatch/subscription_state.hpp"
#include "headrace/ring/frame_word.hpp"

namespace headrace {

struct TopicNode;

/// What a frame's tag stands for at a worker: which handlers see its events. Immutable once published.
struct DispatchEntry {
  std::uint32_t tag = 0;
  const TopicNode* topic = nullptr;
  const EventOps* ops = nullptr;
  bool boxed = false;  ///< frames carry SharedEvent pointers instead of events
  FrameKind kind;
  Overflow overflow;
  std::vector<std::shared_ptr<SubscriptionState>> handlers;  ///< one a group
};

}  // namespace headrace
