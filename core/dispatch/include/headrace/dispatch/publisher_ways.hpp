#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "headrace/dispatch/publisher_state.hpp"

// How an event comes into a lane: those ways of PublisherState that are compiled into the program that publishes.
//
// The open frame takes one more event, in three stores: the event, the header, the lane's own count. Or, where kinds
// alternate, the event makes a frame of its own. What is rarer is called. Spilling ends both, so it is not asked for.

namespace headrace {

// A topic with a single target: closing ends this way.
template <class T, class... Args>
inline bool PublisherState::go_direct(const Atomic<std::uint64_t>& direct, Args&&... args) {
  const DirectWay way(direct.load(std::memory_order_acquire));  // T2 <- T1
  if (!way) [[unlikely]]
    return false;
  return put_shortly<T>(*lanes_[way.worker()], way.kind(), std::forward<Args>(args)...);
}

// The same where the event's key says which way it goes.
template <class T>
inline bool PublisherState::go_by_key(const TopicNode& topic, const T& event) {
  if (!topic.by_key.load(std::memory_order_relaxed)) return false;  // no partner: a hint, the route decides
  const Reading reading(*this);
  if (closed_.load(std::memory_order_relaxed)) [[unlikely]]  // C2 <- C1
    return false;
  const Route& route = *topic.route.load(std::memory_order_acquire);  // T2 <- T1
  if (route.shape != Route::Shape::sharded) [[unlikely]]
    return false;
  const Target& target = *one_target(route, topic, event);
  return put_shortly<T>(*lanes_[target.worker], target.entry->kind, event);
}

template <class T, class... Args>
inline bool PublisherState::put_shortly(PublisherLane& to, FrameKind kind, Args&&... args) {
  auto& lane = to.lane.producer();
  if (const auto more = lane.try_extend(kind, 1, sizeof(T))) {
    std::construct_at(reinterpret_cast<T*>(more.place), std::forward<Args>(args)...);
    lane.commit_extension(more);
  } else {
    if (kind == to.last_kind && goes_on(to)) return false;
    const auto alone = lane.template try_claim_alone<sizeof(T), alignof(T)>();
    if (!alone || !pace_.skips_stamp()) [[unlikely]]
      return false;
    std::construct_at(reinterpret_cast<T*>(alone.place), std::forward<Args>(args)...);
    lane.template commit_alone<sizeof(T), alignof(T)>(alone, kind);
    to.last_kind = kind;
  }
  ring_if_dozing(to);
  return true;
}

template <Event T>
PublishResult PublisherState::put_span(const TopicNode& topic, std::span<const T> events) {
  const OneAtATime::Use use(user_);
  const Reading reading(*this);
  if (closed_.load(std::memory_order_relaxed)) [[unlikely]] {  // C2 <- C1
    return {PublishStatus::closed, 0};
  }
  const Route& route = *topic.route.load(std::memory_order_acquire);  // T2 <- T1
  std::uint32_t done = 0;
  const auto total = static_cast<std::uint32_t>(events.size());
  PublishStatus worst = PublishStatus::published;
  while (done < total) {
    if (const Target* target = one_target(route, topic, events[done])) {
      PublisherLane& to = *lanes_[target->worker];
      const std::uint64_t fit = to.lane.frame_bytes_max() / sizeof(T);
      const std::uint32_t run =
          route.shape == Route::Shape::sharded
              ? 1
              : static_cast<std::uint32_t>(std::min<std::uint64_t>({total - done, fit, FrameWord::kCountMax}));
      if (void* place = claim(to, target->entry->kind, run)) {
        std::memcpy(place, events.data() + done, run * sizeof(T));
        commit(to);
        done += run;
        continue;
      }
    }
    T copy = events[done];
    const PublishResult one = publish_slowly(route, topic, &copy);
    if (!one) return {one.status(), done};
    worst = std::max(worst, one.status());
    ++done;
  }
  return {worst, done};
}

}  // namespace headrace
