#include "headrace/ring/mpmc_ring.hpp"

#include <array>
#include <optional>

#include "boxed.hpp"
#include "harness/litmus.hpp"

namespace headrace::model {
namespace {

int value_of(int event) { return event; }
int value_of(const Boxed& event) { return event.value(); }

/// Events are 10 * producer + number, numbers from 1. Each consumer checks what it saw, after() that nothing is
/// missing.
template <class T>
struct Taken {
  std::array<int, 16> count{};  // by event; a consumer writes only its own
  std::array<int, 2> last{};    // by producer
  void take(const T& event) {
    const int value = value_of(event);
    const int producer = value / 10;
    require(value % 10 > 0 && producer < 2, "an event that was pushed");
    require(value % 10 > last[static_cast<std::size_t>(producer)], "one producer's events come in order");
    last[static_cast<std::size_t>(producer)] = value % 10;
    ++count[static_cast<std::size_t>(value)];
  }
};

template <class T, int producers, int consumers, int events>
struct PassesEvents : Litmus<PassesEvents<T, producers, consumers, events>, producers + consumers> {
  MpmcRing<T> ring{{.lane_capacity_slots = 2, .producers_max = producers}};
  Taken<T> taken[consumers];
  Atomic<int> left{producers * events};

  void thread(unsigned index) {
    if (index < producers) {
      auto producer = *ring.producer();
      for (int i = 1; i <= events; ++i) {
        while (producer.try_push(T(static_cast<int>(index) * 10 + i)) == PushResult::full) pause();
      }
      return;
    }
    auto consumer = ring.consumer();
    while (left.load(std::memory_order_relaxed) > 0) {
      if (auto event = consumer.try_pop()) {
        taken[index - producers].take(*event);
        left.fetch_sub(1, std::memory_order_relaxed);
      } else {
        pause();
      }
    }
  }
  void after() {
    for (int producer = 0; producer < producers; ++producer) {
      for (int i = 1; i <= events; ++i) {
        int count = 0;
        for (const Taken<T>& each : taken) count += each.count[static_cast<std::size_t>(producer * 10 + i)];
        require(count == 1, "every event comes once");
      }
    }
  }
};
const Register<PassesEvents<int, 1, 2, 3>> spmc{"mpmc_ring.1p2c", "Three events pass two slots to two consumers."};
const Register<PassesEvents<Boxed, 1, 2, 3>> boxed{"mpmc_ring.1p2c_boxed",
                                                   "The same with events that own memory."};
const Register<PassesEvents<int, 2, 2, 3>> mpmc{"mpmc_ring.2p2c", "Two producers' events reach two consumers."};

// Batches of three on two slots: both ends see less than they asked for.
struct Batches : Litmus<Batches, 3> {
  MpmcRing<int> ring{{.lane_capacity_slots = 2, .producers_max = 1}};
  Taken<int> taken[2];
  Atomic<int> left{4};

  void thread(unsigned index) {
    if (index == 0) {
      auto producer = *ring.producer();
      constexpr std::array<int, 4> kEvents{1, 2, 3, 4};
      for (std::size_t done = 0; done < kEvents.size();) {
        const std::size_t pushed = producer.try_push(std::span(kEvents).subspan(done));
        done += pushed;
        if (pushed == 0) pause();
      }
      return;
    }
    auto consumer = ring.consumer();
    while (left.load(std::memory_order_relaxed) > 0) {
      std::array<int, 3> events{};
      const std::size_t count = consumer.try_pop(events);
      for (std::size_t i = 0; i < count; ++i) taken[index - 1].take(events[i]);
      if (count == 0) pause();
      left.fetch_sub(static_cast<int>(count), std::memory_order_relaxed);
    }
  }
  void after() {
    for (std::size_t i = 1; i <= 4; ++i)
      require(taken[0].count[i] + taken[1].count[i] == 1, "every event comes once");
  }
};
const Register<Batches> batches{"mpmc_ring.batches", "Batches lose and double nothing."};

// Whoever asks for the size while others push and pop gets a number that was possible.
struct Size : Litmus<Size, 3> {
  MpmcRing<int> ring{{.lane_capacity_slots = 2, .producers_max = 1}};

  void thread(unsigned index) {
    if (index == 0) {
      auto producer = *ring.producer();
      for (int i = 1; i <= 3; ++i) {
        while (producer.try_push(i) == PushResult::full) pause();
      }
    } else if (index == 1) {
      auto consumer = ring.consumer();
      for (int left = 3; left > 0;) {
        if (consumer.try_pop()) {
          --left;
        } else {
          pause();
        }
      }
    } else {
      for (int i = 0; i < 2; ++i) require(ring.size_approx() <= 3, "no more than were pushed");
    }
  }
};
const Register<Size> size{"mpmc_ring.size", "The size that an observer gets never runs below zero."};

// One lane, two producers one after the other: the second goes on where the first stopped.
struct HandsLaneOver : Litmus<HandsLaneOver, 3> {
  MpmcRing<int> ring{{.lane_capacity_slots = 2, .producers_max = 1}};
  Taken<int> taken;

  void thread(unsigned index) {
    if (index < 2) {
      auto producer = ring.producer();
      while (!producer) {
        pause();
        producer = ring.producer();
      }
      for (int i = 1; i <= 2; ++i) {
        while (producer->try_push(static_cast<int>(index) * 10 + i) == PushResult::full) pause();
      }
      return;
    }
    auto consumer = ring.consumer();
    for (int left = 4; left > 0;) {
      if (const auto event = consumer.try_pop()) {
        taken.take(*event);
        --left;
      } else {
        pause();
      }
    }
  }
  void after() { require(ring.was_empty(), "nothing is left"); }
};
const Register<HandsLaneOver> hand_over{"mpmc_ring.hands_lane_over",
                                        "A lane given back serves the next producer."};

}  // namespace
}  // namespace headrace::model
