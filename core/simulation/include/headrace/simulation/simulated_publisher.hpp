#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "headrace/bus/bus.hpp"
#include "headrace/simulation/faults.hpp"
#include "headrace/simulation/seeded_random.hpp"
#include "headrace/simulation/simulated_time.hpp"

namespace headrace {

/// A producer's thread in a simulation: what it is told to publish waits until the scheduler lets it run.
///
/// Order:     as told, but for Faults::reorder.
/// Full:      an event that the bus answers `full` stays in front and is tried again, as a source would do.
class SimulatedPublisher {
 public:
  SimulatedPublisher(Bus& bus, const Faults& faults, SeededRandom& random, const SimulatedTime& time)
      : publisher_(bus.publisher()), faults_(faults), random_(random), time_(time) {}

  /// Some time from now on, after everything that was told before.
  template <Event T>
  void publish(T event, const PublishOptions& options = {}) {
    publish_after({}, std::move(event), options);
  }
  /// The same, no sooner than that.
  template <Event T>
  void publish_after(std::chrono::nanoseconds delay, T event, const PublishOptions& options = {}) {
    const std::uint64_t key = has_event_key<T>() ? event_key_hash(event) : 0;
    // Copied at each try: an event may go twice.
    call_after(delay, key, [event = std::move(event), options](Publisher& publisher) {
      if (!has_meta(options)) return publisher.publish(T(event));
      return publisher.publish(T(event), options);
    });
  }
  /// The same for any way to publish, to a topic named at run time, say. Reordering goes by the key.
  void call_after(std::chrono::nanoseconds delay, std::uint64_t key,
                  std::function<PublishResult(Publisher&)> publish) {
    waiting_.push_back({time_.now_ns() + static_cast<std::uint64_t>(delay.count()), key, std::move(publish)});
  }

  /// How many were answered so; `full` ones each time.
  [[nodiscard]] std::uint64_t answered(PublishStatus status) const noexcept {
    return answers_[static_cast<std::size_t>(status)];
  }
  /// How many the network lost, and sent twice.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }
  [[nodiscard]] std::uint64_t duplicated() const noexcept { return duplicated_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

  // For the scheduler.
  /// When it next has something to do; the highest value: never.
  [[nodiscard]] std::uint64_t next_due_ns() const noexcept {
    return waiting_.empty() ? ~std::uint64_t{0} : waiting_.front().due_ns;
  }
  /// Publishes one event, or loses it. True: it was not answered `full`.
  bool run();

 private:
  struct Waiting {
    std::uint64_t due_ns;
    std::uint64_t key;
    std::function<PublishResult(Publisher&)> publish;
  };
  static constexpr std::size_t kOvertakesMax = 4;

  [[nodiscard]] static bool has_meta(const PublishOptions& options) noexcept {
    return options.id || options.correlation || options.causation ||
           options.expires_after > std::chrono::nanoseconds::zero();
  }
  void reorder();

  Publisher publisher_;
  const Faults& faults_;
  SeededRandom& random_;
  const SimulatedTime& time_;
  std::deque<Waiting> waiting_;
  bool refused_ = false;  ///< the one in front was tried before: its faults are behind it
  std::array<std::uint64_t, 16> answers_{};
  std::uint64_t lost_ = 0;
  std::uint64_t duplicated_ = 0;
};

}  // namespace headrace
