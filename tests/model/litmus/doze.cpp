#include "headrace/dispatch/doze.hpp"

#include "harness/litmus.hpp"
#include "headrace/dispatch/doorbell.hpp"
#include "headrace/ring/lane.hpp"
#include "lane_memory.hpp"

namespace headrace::model {
namespace {

using Lane = BasicLane<LaneMemory>;
constexpr FrameKind kEvent{1, 8, 8};

/// One publisher's lane as Worker and PublisherState use it. A lost wake-up is a deadlock, a lost ring a livelock.
struct Way {
  Lane lane{64};
  Doze doze;
  bool hot = false;
  std::uint64_t taken = 0;

  void publish(std::uint64_t value, Doorbell& doorbell, std::uint32_t index) {
    LaneMemory::Address event = nullptr;
    while (!(event = lane.producer().try_claim(kEvent, 1, Lane::Run::closed))) pause();
    event.write(0, value);
    lane.producer().commit();
    if (doze.was_begun() && doze.end()) doorbell.ring(index);
  }
  bool drain() {
    Lane::Frame frame;
    bool found = false;
    while (lane.consumer().peek(frame)) {
      require(lane.consumer().payload(frame).read(0) == ++taken, "events come in order");
      lane.consumer().consume(1);
      found = true;
    }
    return found;
  }
  bool holds_something() {
    Lane::Frame frame;
    return lane.consumer().peek(frame);
  }
};

// The worker parks whenever it finds nothing.
template <std::uint32_t publishers, std::uint64_t events>
struct Parks : Litmus<Parks<publishers, events>, publishers + 1> {
  Doorbell doorbell{publishers};
  Way ways[publishers];

  void thread(unsigned index) {
    if (index < publishers) {
      for (std::uint64_t i = 1; i <= events; ++i) ways[index].publish(i, doorbell, index);
      return;
    }
    while (!done()) {
      if (doorbell.was_rung()) doorbell.answer([this](std::uint32_t way) { ways[way].hot = true; });
      bool found = false;
      for (Way& way : ways) found = (way.hot && way.drain()) || found;
      if (!found && !done()) park();
    }
  }
  [[nodiscard]] bool done() const {
    for (const Way& way : ways) {
      if (way.taken < events) return false;
    }
    return true;
  }
  void park() {
    for (Way& way : ways) {
      if (way.hot) way.doze.begin();
    }
    const auto key = doorbell.sleepers().prepare_wait();
    bool stay = doorbell.was_rung();
    for (Way& way : ways) stay = stay || (way.hot && way.holds_something());
    if (stay) doorbell.sleepers().cancel_wait(key);
    for (Way& way : ways) {
      if (stay && way.hot) way.doze.cancel();
      if (!stay) way.hot = false;
    }
    if (!stay) doorbell.sleepers().wait(key);
  }
};
const Register<Parks<1, 4>> parks{"doze.parks", "A worker that parks misses no event of a publisher."};
const Register<Parks<2, 2>> parks_two{"doze.parks_for_two", "Nor of two."};

// The worker stays awake, but stops polling the lane whenever it is empty.
struct LooksElsewhere : Litmus<LooksElsewhere, 2> {
  static constexpr std::uint64_t kEvents = 4;
  Doorbell doorbell{1};
  Way way;

  void thread(unsigned index) {
    if (index == 0) {
      for (std::uint64_t i = 1; i <= kEvents; ++i) way.publish(i, doorbell, 0);
      return;
    }
    while (way.taken < kEvents) {
      if (doorbell.was_rung()) doorbell.answer([this](std::uint32_t) { way.hot = true; });
      if (!way.hot) {
        pause();
      } else if (!way.drain()) {
        way.doze.begin();
        Doze::fence();
        way.hot = way.holds_something();
        if (way.hot) way.doze.cancel();
      }
    }
  }
};
const Register<LooksElsewhere> elsewhere{"doze.looks_elsewhere",
                                         "A worker that stops polling a lane is called back to it."};

// The bus stops, its workers are gone, and a publisher on the direct way asks nobody: whatever it still commits is
// found by whoever stops, or withdrawn by itself.
template <bool was_polled>
struct Stops : Litmus<Stops<was_polled>, 2> {
  Way way;
  Atomic<bool> direct{true};
  Atomic<bool> stopped{false};
  Atomic<bool> locked{false};
  std::uint64_t committed = 0;

  void thread(unsigned index) { index == 0 ? publish() : stop(); }

  void publish() {
    while (committed < 3 && direct.load(std::memory_order_acquire)) {
      const LaneMemory::Address event = way.lane.producer().try_claim(kEvent, 1, Lane::Run::closed);
      if (!event) return;
      event.write(0, ++committed);
      way.lane.producer().commit();
      if (!way.doze.was_begun()) continue;
      if (way.doze.end() && stopped.load(std::memory_order_relaxed)) drain();
    }
  }
  void stop() {
    if (was_polled) way.doze.cancel();
    direct.store(false, std::memory_order_relaxed);
    stopped.store(true, std::memory_order_relaxed);
    way.doze.begin();
    Doze::fence();
    drain();
  }
  void drain() {
    while (locked.exchange(true, std::memory_order_acquire)) pause();
    way.drain();
    locked.store(false, std::memory_order_release);
  }
  void after() { require(way.taken == committed, "no event is left behind"); }
};
const Register<Stops<true>> stops{"doze.stops", "An event that comes too late is found or withdrawn."};
const Register<Stops<false>> stops_parked{"doze.stops_parked", "The same after the worker had parked."};

}  // namespace
}  // namespace headrace::model
