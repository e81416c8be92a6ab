#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <thread>

#include "headrace/dispatch/idle.hpp"
#include "headrace/ring/lane.hpp"
#include "scenario/events.hpp"
#include "scenario/tally.hpp"

namespace headrace::bench {

/// The lane that Headrace is built on, bare: one producer, one consumer that adds up. What dispatch adds to it (routes,
/// policies, ledger, telemetry, parking) is the distance between the two. The producer takes the lane's shortest way: it
/// extends the open frame, and begins one when it must. `Looks::lagging` waits between two looks as a worker does, so
/// that frames grow; `Looks::chasing` looks at once. Which one is faster depends on the row.
enum class Looks { chasing, lagging };

template <Looks looks, class Event>
class BasicLaneBus {
 public:
  BasicLaneBus(int cpu, Tallies& tallies)
      : lane_(kInFlightMax * sizeof(Event)), consumer_([this, cpu, &tally = tallies[0]] {
          pin_this_thread(cpu);
          drain(tally);
        }) {}
  ~BasicLaneBus() {
    stop_.store(true, std::memory_order_relaxed);  // no partner: only an end is asked for
    consumer_.join();
  }

  class Handle {
   public:
    explicit Handle(Lane::Producer& producer) : producer_(producer) {}

    void publish(const Event& event) noexcept {
      if (const auto more = producer_.try_extend(kKind, 1, sizeof(Event))) [[likely]] {
        std::construct_at(reinterpret_cast<Event*>(more.place), event);
        producer_.commit_extension(more);
        return;
      }
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
    Idle idle(Wait::spin);
    while (!stop_.load(std::memory_order_relaxed)) {  // no partner: only an end is asked for
      const std::uint32_t found = take_some(tally);
      if (found == 0) {
        static_cast<void>(idle.found_nothing());
      } else if (looks == Looks::lagging) {
        idle.found(found);
      }
    }
  }
  std::uint32_t take_some(Tally& tally) noexcept {
    auto& consumer = lane_.consumer();
    std::uint32_t taken = 0;
    for (Lane::Frame frame; taken < kTakenMax && consumer.peek(frame);) {
      const auto* events = reinterpret_cast<const Event*>(consumer.payload(frame));
      for (std::uint32_t i = 0; i < frame.count; ++i) tally.add(events[i].value);
      consumer.consume(frame.count);
      taken += frame.count;
      if (frame.is_open) break;  // another look would take its line away from the producer that extends it
    }
    return taken;
  }
  static constexpr std::uint32_t kTakenMax = 1024;

  Lane lane_;
  std::atomic<bool> stop_{false};
  std::thread consumer_;
};

template <class Event>
using ChasingLaneBus = BasicLaneBus<Looks::chasing, Event>;
template <class Event>
using LaggingLaneBus = BasicLaneBus<Looks::lagging, Event>;

}  // namespace headrace::bench
