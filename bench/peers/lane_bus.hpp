#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <thread>

#include "headrace/ring/lane.hpp"
#include "scenario/events.hpp"
#include "scenario/tally.hpp"

namespace headrace::bench {

/// The lane that Headrace is built on, bare: one producer, one consumer that spins and adds up. What dispatch adds
/// to it (routes, policies, ledger, telemetry, parking) is the distance between the two.
template <class Event>
class LaneBus {
 public:
  LaneBus(int cpu, Tallies& tallies)
      : lane_(kInFlightMax * sizeof(Event)), consumer_([this, cpu, &tally = tallies[0]] {
          pin_this_thread(cpu);
          drain(tally);
        }) {}
  ~LaneBus() {
    stop_.store(true, std::memory_order_relaxed);
    consumer_.join();
  }

  class Handle {
   public:
    explicit Handle(Lane::Producer& producer) : producer_(producer) {}

    void publish(const Event& event) noexcept {
      std::construct_at(reinterpret_cast<Event*>(claim(1)), event);
      producer_.commit();
    }
    void publish(std::span<const Event> events) noexcept {
      std::memcpy(claim(static_cast<std::uint32_t>(events.size())), events.data(), events.size_bytes());
      producer_.commit();
    }

   private:
    std::byte* claim(std::uint32_t count) noexcept {
      for (;;) {
        if (std::byte* place = producer_.try_claim(kKind, count)) return place;
        pause();
      }
    }
    Lane::Producer& producer_;
  };
  [[nodiscard]] Handle publisher() { return Handle(lane_.producer()); }

 private:
  static constexpr FrameKind kKind{1, sizeof(Event), alignof(Event)};

  void drain(Tally& tally) noexcept {
    auto& consumer = lane_.consumer();
    Lane::Frame frame;
    while (!stop_.load(std::memory_order_relaxed)) {
      if (!consumer.peek(frame)) {
        pause();
        continue;
      }
      const auto* events = reinterpret_cast<const Event*>(consumer.payload(frame));
      for (std::uint32_t i = 0; i < frame.count; ++i) tally.add(events[i].value);
      consumer.consume(frame.count);
    }
  }

  Lane lane_;
  std::atomic<bool> stop_{false};
  std::thread consumer_;
};

}  // namespace headrace::bench
