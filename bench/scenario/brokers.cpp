#include "scenario/brokers.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace headrace::bench {
namespace {

/// Counts up to a number that somebody waits for.
class CountUp {
 public:
  explicit CountUp(std::size_t aim) : aim_(aim) {}
  void one() {
    if (count_.fetch_add(1, std::memory_order_relaxed) + 1 != aim_)
      return;  // no partner: the mutex orders the rest
    const std::scoped_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reached_; });
  }

 private:
  const std::size_t aim_;
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
};

/// Starts the source, does what is to be done then, settles so many, and stops.
void take_all(Source& source, std::size_t messages, const std::function<void()>& started) {
  CountUp settled(messages);
  const Status good = source.start([&](ReceivedMessage&& received) {
    received.settle(Settlement::done);
    settled.one();
  });
  Context::require(static_cast<bool>(good), "a source does not start");
  started();
  settled.wait();
  Context::require(source.stop(std::chrono::minutes(1)) == 0, "messages were left unsettled");
}

}  // namespace

Message broker_message(std::string topic) {
  Message message;
  message.topic = std::move(topic);
  message.body.assign(kBrokerBodyBytes, std::byte{'x'});
  return message;
}

double thousands_per_second(std::size_t messages, const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(messages) / took.count() / 1e3;
}

void start_and_await(Sink& sink) {
  Context::require(static_cast<bool>(sink.start()), "a sink does not start");
  while (sink.health().state != AdapterState::up) std::this_thread::yield();
}

double confirmed_per_second(Sink& sink, const std::string& topic, std::size_t messages) {
  CountUp confirmed(messages);
  std::atomic<bool> refused{false};
  const double rate = thousands_per_second(messages, [&] {
    for (std::size_t i = 0; i < messages;) {
      const SendResult sent = sink.send(broker_message(topic), [&](const Status& status) {
        if (!status) refused.store(true, std::memory_order_relaxed);  // no partner: confirmed orders it
        confirmed.one();
      });
      if (sent == SendResult::taken) {
        ++i;
      } else {
        Context::require(sent == SendResult::full && sink.wait_for_room(std::chrono::minutes(1)),
                         "a sink is stuck");
      }
    }
    confirmed.wait();
  });
  // No partner: confirmed orders it.
  Context::require(!refused.load(std::memory_order_relaxed), "a broker refused a message");
  return rate;
}

double settled_per_second(Source& source, std::size_t messages) {
  return thousands_per_second(messages, [&] { take_all(source, messages, [] {}); });
}

double settled_per_second_once_up(Source& source, std::size_t messages) {
  source.pause();
  auto begin = std::chrono::steady_clock::now();
  take_all(source, messages, [&] {
    while (source.health().state != AdapterState::up) std::this_thread::yield();
    begin = std::chrono::steady_clock::now();
    source.resume();
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(messages) / took.count() / 1e3;
}

}  // namespace headrace::bench
