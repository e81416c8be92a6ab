#pragma once

#include <blockingconcurrentqueue.h>

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <thread>
#include <tuple>
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
  VariantBus(int cpu, Tallies& tallies) : tallies_(tallies) {
    std::size_t next = 0;
    (subscribe<Events>(tallies[next++]), ...);
    worker_ = std::thread([this, cpu] {
      pin_this_thread(cpu);
      work();
    });
  }
  ~VariantBus() {
    queue_.enqueue(Stop{});
    worker_.join();
  }

  class Handle {
   public:
    explicit Handle(VariantBus& bus) : queue_(bus.queue_), token_(bus.queue_), in_flight_(bus.tallies_) {}

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

  template <class Event>
  void subscribe(Tally& tally) {
    std::get<Handlers<Event>>(handlers_).push_back([&tally](const Event& event) { tally.add(event.value); });
  }

  void work() {
    moodycamel::ConsumerToken token(queue_);
    std::array<Item, kBulk> items;
    for (bool stopped = false; !stopped;) {
      const std::size_t count = queue_.wait_dequeue_bulk(token, items.begin(), kBulk);
      for (std::size_t i = 0; i < count; ++i)
        stopped |= std::visit([this](const auto& item) { return handle(item); }, items[i]);
    }
  }
  /// Answers whether it was the last.
  template <class T>
  bool handle(const T& item) {
    if constexpr (std::is_same_v<T, Stop>) {
      return true;
    } else {
      for (const auto& handler : std::get<Handlers<T>>(handlers_)) handler(item);
      return false;
    }
  }

  Tallies& tallies_;
  Queue queue_;
  std::tuple<Handlers<Events>...> handlers_;
  std::thread worker_;
};

}  // namespace headrace::bench
