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

// A topic with a single target, or with one on each worker: closing ends this way.
template <class T, class... Args>
inline bool PublisherState::go_direct(const Atomic<std::uint64_t>& direct, Args&&... args) {
  const DirectWay way(direct.load(std::memory_order_acquire));  // T2 <- T1
  if (!way) [[unlikely]]
    return false;
  if constexpr (has_event_key<T>()) {
    if (way.goes_by_key()) return go_by_key<T>(way, std::forward<Args>(args)...);
  }
  return put_shortly<T>(*lanes_[way.worker()], way.kind(), std::forward<Args>(args)...);
}

template <class T, class... Args>
inline bool PublisherState::go_by_key(DirectWay way, Args&&... args) {
  if constexpr (sizeof...(Args) == 1 && (std::is_same_v<std::remove_cvref_t<Args>, T> && ...)) {
    const std::uint32_t worker = shard_of(event_key_hash<T>(args...), way.workers());
    return put_shortly<T>(*lanes_[worker], way.kind_on(worker), std::forward<Args>(args)...);
  } else {
    return false;  // the key of what is not built yet is not known
  }
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

// Each event may go another way than the one before.
template <Event T>
PublishResult PublisherState::put_each(const TopicNode& topic, const Atomic<std::uint64_t>& direct,
                                       std::span<const T> events) {
  std::uint32_t done = 0;
  PublishStatus worst = PublishStatus::published;
  for (const T& event : events) {
    if (!go_direct<T>(direct, event)) {
      const Reading reading(*this);
      const PublishResult one = put<T>(topic, event);
      if (!one) return {one.status(), done};
      worst = std::max(worst, one.status());
    }
    ++done;
  }
  return {worst, done};
}

template <Event T>
PublishResult PublisherState::put_span(const TopicNode& topic, std::span<const T> events) {
  const OneAtATime::Use use(user_);
  if constexpr (has_event_key<T>()) {
    const auto& direct = counts_flow_ ? topic.direct_counted : topic.direct;
    // No partner: a hint, each event asks again.
    if (DirectWay(direct.load(std::memory_order_relaxed)).goes_by_key()) return put_each(topic, direct, events);
  }
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
          route.shape == Route::Shape::sharded && has_event_key<T>()
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
