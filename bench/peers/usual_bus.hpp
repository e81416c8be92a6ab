#pragma once

#include <blockingconcurrentqueue.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <typeindex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "peers/in_flight.hpp"
#include "peers/mutex_queue.hpp"

namespace headrace::bench {

/// The bus that most programs have: a queue of unique_ptr to a base class, handlers in a map by type.
template <template <class> class QueueOf, class... Events>
class UsualBus {
  struct Base {
    virtual ~Base() = default;
  };
  template <class Event>
  struct Boxed : Base {
    explicit Boxed(const Event& e) : event(e) {}
    Event event;
  };
  using Queue = QueueOf<std::unique_ptr<Base>>;

 public:
  UsualBus(int cpu, Tallies& tallies) : limit_{tallies, Waiting::spin} {
    std::size_t next = 0;
    (subscribe<Events>(tallies[next++]), ...);
    worker_ = std::thread([this, cpu] {
      pin_this_thread(cpu);
      work();
    });
  }
  ~UsualBus() {
    queue_.enqueue(nullptr);
    worker_.join();
  }

  class Handle {
   public:
    explicit Handle(UsualBus& bus) : queue_(bus.queue_), in_flight_(bus.limit_) {}

    template <class Event>
    void publish(const Event& event) {
      queue_.enqueue(std::make_unique<Boxed<Event>>(event));
      in_flight_.sent(1);
    }

   private:
    Queue& queue_;
    InFlight in_flight_;
  };
  [[nodiscard]] Handle publisher() { return Handle(*this); }

 private:
  template <class Event>
  void subscribe(Tally& tally) {
    handlers_[typeid(Boxed<Event>)].push_back(
        [&tally](const Base& base) { tally.add(static_cast<const Boxed<Event>&>(base).event.value); });
  }

  void work() {
    std::unique_ptr<Base> event;
    for (;;) {
      queue_.wait_dequeue(event);
      if (event == nullptr) return;
      const Base& base = *event;
      if (const auto found = handlers_.find(typeid(base)); found != handlers_.end()) {
        for (const auto& handler : found->second) handler(base);
      }
    }
  }

  InFlightLimit limit_;
  Queue queue_;
  std::unordered_map<std::type_index, std::vector<std::function<void(const Base&)>>> handlers_;
  std::thread worker_;
};

template <class T>
using MoodycamelQueue = moodycamel::BlockingConcurrentQueue<T>;

template <class... Events>
using UsualMutexBus = UsualBus<MutexQueue, Events...>;
template <class... Events>
using UsualMoodycamelBus = UsualBus<MoodycamelQueue, Events...>;

}  // namespace headrace::bench
