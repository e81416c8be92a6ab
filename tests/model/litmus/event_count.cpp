#include "headrace/base/event_count.hpp"

#include "harness/litmus.hpp"

namespace headrace::model {
namespace {

// Waits until `condition` holds, as a worker does.
template <class Condition>
void wait_for(EventCount& events, Condition condition) {
  while (!condition()) {
    const EventCount::Key key = events.prepare_wait();
    if (condition()) {
      events.cancel_wait(key);
    } else {
      events.wait(key);
    }
  }
}

// Whoever was woken sees what was written before notify, by the eventcount's own orders: the condition is relaxed.
struct Wakes : Litmus<Wakes, 2> {
  EventCount events;
  Atomic<int> ready{0};
  Plain<int> data{0};
  void thread(unsigned index) {
    if (index == 0) {
      data.set(1);
      ready.store(1, std::memory_order_relaxed);
      events.notify();
      return;
    }
    const EventCount::Key key = events.prepare_wait();
    if (ready.load(std::memory_order_relaxed) != 0) {
      events.cancel_wait(key);
    } else {
      events.wait(key);
      require(data.get() == 1, "a woken thread sees the data");
    }
  }
  void after() { require(!events.had_waiters(), "everybody has left"); }
};
const Register<Wakes> wakes{"event_count.wakes", "A sleeper is woken, and sees what was written before notify."};

struct TwoWaiters : Litmus<TwoWaiters, 3> {
  EventCount events;
  Atomic<int> ready{0};
  void thread(unsigned index) {
    if (index == 0) {
      ready.store(1, std::memory_order_relaxed);
      events.notify();
    } else {
      wait_for(events, [this] { return ready.load(std::memory_order_relaxed) != 0; });
    }
  }
  void after() { require(!events.had_waiters(), "everybody has left"); }
};
const Register<TwoWaiters> two_waiters{"event_count.two_waiters", "One notify wakes all sleepers."};

struct TwoNotifiers : Litmus<TwoNotifiers, 3> {
  EventCount events;
  Atomic<int> ready[2];
  void thread(unsigned index) {
    if (index < 2) {
      ready[index].store(1, std::memory_order_relaxed);
      events.notify();
    } else {
      wait_for(events, [this] { return ready[0].load(std::memory_order_relaxed) != 0; });
      wait_for(events, [this] { return ready[1].load(std::memory_order_relaxed) != 0; });
    }
  }
  void after() { require(!events.had_waiters(), "everybody has left"); }
};
const Register<TwoNotifiers> two_notifiers{
    "event_count.two_notifiers", "Of two notifiers that meet a sleeper, neither relies on the other in vain."};

struct Deadline : Litmus<Deadline, 3> {
  EventCount events;
  Atomic<int> ready{0};
  void thread(unsigned index) {
    if (index == 0) {
      ready.store(1, std::memory_order_relaxed);
      events.notify();
      return;
    }
    if (index == 1) return wait_for(events, [this] { return ready.load(std::memory_order_relaxed) != 0; });
    const EventCount::Key key = events.prepare_wait();
    static_cast<void>(events.wait_until(key, 1));
  }
  void after() { require(!events.had_waiters(), "everybody has left"); }
};
const Register<Deadline> deadline{"event_count.deadline",
                                  "A sleeper that times out leaves, and takes nobody's wake-up with it."};

}  // namespace
}  // namespace headrace::model
