#pragma once

#include <blockingconcurrentqueue.h>

#include <array>
#include <cstddef>
#include <functional>
#include <list>
#include <span>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "peers/in_flight.hpp"

namespace headrace::bench {

/// The best bus one writes by hand in an afternoon: events by value in a variant, moodycamel's blocking queue with
/// tokens and in bulk, a list of handlers an event type.
template <class... Events>
class VariantBus {
  struct Stop {};
  using Item = std::variant<Stop, Events...>;
  using Queue = moodycamel::BlockingConcurrentQueue<Item>;
  template <class Event>
  using Handlers = std::vector<std::function<void(const Event&)>>;

 public:
  struct Unpinned {
    std::size_t workers;
  };

  /// One worker on the cpu.
  VariantBus(int cpu, Tallies& tallies) : limit_{tallies, Waiting::spin} {
    Worker& worker = add_worker(tallies);
    worker.thread = std::thread([this, &worker, cpu] {
      pin_this_thread(cpu);
      work(worker);
    });
  }
  VariantBus(Unpinned unpinned, Tallies& tallies) : limit_{tallies, Waiting::yield} {
    while (workers_.size() < unpinned.workers) add_worker(tallies);
    for (Worker& worker : workers_) worker.thread = std::thread([this, &worker] { work(worker); });
  }
  ~VariantBus() {
    for (std::size_t i = 0; i < workers_.size(); ++i) queue_.enqueue(Stop{});
    for (Worker& worker : workers_) worker.thread.join();
  }

  class Handle {
   public:
    explicit Handle(VariantBus& bus) : queue_(bus.queue_), token_(bus.queue_), in_flight_(bus.limit_) {}

    template <class Event>
    void publish(const Event& event) {
      queue_.enqueue(token_, Item(std::in_place_type<Event>, event));
      in_flight_.sent(1);
    }
    template <class Event>
    void publish(std::span<const Event> events) {
      queue_.enqueue_bulk(token_, events.begin(), events.size());
      in_flight_.sent(events.size());
    }

   private:
    Queue& queue_;
    moodycamel::ProducerToken token_;
    InFlight in_flight_;
  };
  [[nodiscard]] Handle publisher() { return Handle(*this); }

 private:
  static constexpr std::size_t kBulk = 256;

  struct Worker {
    std::tuple<Handlers<Events>...> handlers;
    std::thread thread;
  };

  Worker& add_worker(Tallies& tallies) {
    std::size_t next = workers_.size() * sizeof...(Events);
    Worker& worker = workers_.emplace_back();
    (subscribe<Events>(worker, tallies[next++]), ...);
    return worker;
  }
  template <class Event>
  static void subscribe(Worker& worker, Tally& tally) {
    std::get<Handlers<Event>>(worker.handlers).push_back([&tally](const Event& event) { tally.add(event.value); });
  }

  void work(const Worker& worker) {
    moodycamel::ConsumerToken token(queue_);
    std::array<Item, kBulk> items;
    for (std::size_t stops = 0; stops == 0;) {
      const std::size_t count = queue_.wait_dequeue_bulk(token, items.begin(), kBulk);
      for (std::size_t i = 0; i < count; ++i) {
        if (std::visit([&](const auto& item) { return is_stop(worker, item); }, items[i])) ++stops;
      }
      for (std::size_t others = 1; others < stops; ++others) queue_.enqueue(Stop{});
    }
  }
  template <class T>
  static bool is_stop(const Worker& worker, const T& item) {
    if constexpr (std::is_same_v<T, Stop>) {
      return true;
    } else {
      for (const auto& handler : std::get<Handlers<T>>(worker.handlers)) handler(item);
      return false;
    }
  }

  InFlightLimit limit_;
  Queue queue_;
  std::list<Worker> workers_;
};

}  // namespace headrace::bench
