#pragma once

#include <array>
#include <optional>
#include <span>

#include "boxed.hpp"
#include "harness/litmus.hpp"
#include "headrace/ring/push_result.hpp"

namespace headrace::model {

/// Litmus programs for rings with one producer and one consumer. All move more events than the ring has slots.

inline int value_of(int event) { return event; }
inline int value_of(const Boxed& event) { return event.value(); }

/// Pushes `first` up to `last`.
template <class Producer>
void push_all(Producer&& producer, int first, int last) {
  for (int i = first; i <= last; ++i) {
    while (producer.try_emplace(i) == PushResult::full) pause();
  }
}

/// Pops `first` up to `last`, and nothing else.
template <class T, class Consumer>
void pop_all(Consumer&& consumer, int first, int last) {
  for (int i = first; i <= last; ++i) {
    std::optional<T> event = consumer.try_pop();
    while (!event) {
      pause();
      event = consumer.try_pop();
    }
    require(value_of(*event) == i, "events arrive in order");
  }
}

template <class Ring, class T>
struct OneAtATime : Litmus<OneAtATime<Ring, T>, 2> {
  static constexpr int kEvents = static_cast<int>(Ring::kCapacity) + 2;
  Ring ring;
  void thread(unsigned index) {
    if (index == 0) push_all(ring.producer(), 1, kEvents);
    if (index == 1) pop_all<T>(ring.consumer(), 1, kEvents);
  }
};

template <class Ring>
struct Batches : Litmus<Batches<Ring>, 2> {
  static constexpr int kEvents = static_cast<int>(Ring::kCapacity) + 3;
  Ring ring;
  void thread(unsigned index) {
    if (index == 0) {
      auto producer = ring.producer();
      for (int done = 0; done < kEvents;) {
        const auto pushed = producer.try_emplace_n(static_cast<std::size_t>(kEvents - done), [&](std::size_t i) {
          return Boxed(done + 1 + static_cast<int>(i));
        });
        done += static_cast<int>(pushed);
        if (pushed == 0) pause();
      }
      return;
    }
    auto consumer = ring.consumer();
    for (int done = 0; done < kEvents;) {
      const auto taken =
          consumer.consume(3, [&](Boxed&& event) { require(event.value() == ++done, "events arrive in order"); });
      if (taken == 0) pause();
    }
  }
};

template <class Ring>
struct InPlace : Litmus<InPlace<Ring>, 2> {
  static constexpr int kEvents = static_cast<int>(Ring::kCapacity) + 3;
  Ring ring;
  void thread(unsigned index) {
    if (index == 0) {
      auto producer = ring.producer();
      for (int done = 0; done < kEvents;) {
        const std::span<int> slots = producer.claim(static_cast<std::size_t>(kEvents - done));
        for (int& slot : slots) {
          will_write(&slot);
          slot = ++done;
        }
        producer.commit(slots.size());
        if (slots.empty()) pause();
      }
      return;
    }
    auto consumer = ring.consumer();
    for (int done = 0; done < kEvents;) {
      const std::span<int> events = consumer.readable();
      for (const int& event : events) {
        will_read(&event);
        require(event == ++done, "events arrive in order");
      }
      consumer.release(events.size());
      if (events.empty()) pause();
    }
  }
};

/// Two threads have a role one after the other; the ring's own state passes by the baton, as the caller must see
/// to.
class Baton {
 public:
  void pass() noexcept { passed_.store(true, std::memory_order_release); }
  void wait() const noexcept {
    while (!passed_.load(std::memory_order_acquire)) pause();
  }

 private:
  Atomic<bool> passed_{false};
};

template <class Ring>
struct ProducersInTurn : Litmus<ProducersInTurn<Ring>, 3> {
  Ring ring;
  Baton baton;
  void thread(unsigned index) {
    if (index == 0) {
      push_all(ring.producer(), 1, 2);
      baton.pass();
    } else if (index == 1) {
      baton.wait();
      push_all(ring.producer(), 3, 4);
    } else {
      pop_all<Boxed>(ring.consumer(), 1, 4);
    }
  }
};

template <class Ring>
struct ConsumersInTurn : Litmus<ConsumersInTurn<Ring>, 3> {
  Ring ring;
  Baton baton;
  void thread(unsigned index) {
    if (index == 0) {
      push_all(ring.producer(), 1, 4);
    } else if (index == 1) {
      pop_all<Boxed>(ring.consumer(), 1, 2);
      baton.pass();
    } else {
      baton.wait();
      pop_all<Boxed>(ring.consumer(), 3, 4);
    }
  }
};

}  // namespace headrace::model
