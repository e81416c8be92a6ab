// worker 0 (first cpu)  ── ping ──►  worker 1 (second cpu)
//       ▲                                  │
//       └────────────── pong ──────────────┘
//
// Question: how long does an event take that a handler answers, when nothing else is going on? One event of 64
// bytes in flight; both workers are awake. The figure is the median; p99 and p99.9 are notes. Peer: the same two
// threads on two bare lanes, spinning.

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/base/clock.hpp"
#include "headrace/base/hints.hpp"
#include "headrace/ring/lane.hpp"
#include "scenario/events.hpp"

namespace headrace::bench {
namespace {

using Ping = Sample<0>;
using Pong = Sample<1>;

constexpr std::uint64_t kWarmUpRounds = 2'000;
constexpr std::uint64_t kRounds = 100'000;

/// Time stamps of one side, an answer each.
class RoundTrips {
 public:
  RoundTrips() { ns_.reserve(kRounds); }

  void start() noexcept { started_ = cycles(); }
  /// Answers whether another round is wanted, and starts it.
  [[nodiscard]] bool answered() noexcept {
    const std::uint64_t now = cycles();
    if (++rounds_ > kWarmUpRounds) ns_.push_back(static_cast<double>(cycles_to_ns(now - started_)));
    if (ns_.size() == kRounds) return false;
    start();
    return true;
  }

  double p50_with_notes(Context& context) const {
    context.note("p99 ns", percentile(ns_, 0.99));
    context.note("p99.9 ns", percentile(ns_, 0.999));
    return percentile(ns_, 0.5);
  }

 private:
  std::uint64_t started_ = 0;
  std::uint64_t rounds_ = 0;
  std::vector<double> ns_;
};

double headrace_roundtrip(Context& context) {
  RoundTrips trips;
  std::atomic<bool> done{false};
  Bus bus({.workers = 2, .pin = Pin::cpus({context.cpus()[0], context.cpus()[1]})});
  const auto pings = bus.subscribe<Ping>({.worker = 1}, [](const Ping& ping, headrace::Context& on) {
    if (!on.publish(Pong::of(ping.value))) std::abort();
  });
  const auto pongs = bus.subscribe<Pong>({.worker = 0}, [&](const Pong& pong, headrace::Context& on) {
    if (!trips.answered()) {
      done.store(true, std::memory_order_release);  // E1 -> E2
      done.notify_one();
    } else if (!on.publish(Ping::of(pong.value + 1))) {
      std::abort();
    }
  });
  bus.start();
  trips.start();
  if (!bus.publish(Ping::of(1))) std::abort();
  // E2 <- E1. It sleeps: both cpus belong to the workers.
  done.wait(false, std::memory_order_acquire);
  return trips.p50_with_notes(context);
}

class LaneEnd {
 public:
  LaneEnd(Lane& out, Lane& in) : out_(out.producer()), in_(in.consumer()) {}

  void send(const Ping& ping) noexcept {
    std::byte* place = out_.try_claim(kKind, 1, Lane::Run::closed);
    std::construct_at(reinterpret_cast<Ping*>(place), ping);
    out_.commit();
  }
  /// Answers the value that came.
  std::uint64_t receive() noexcept {
    Lane::Frame frame;
    while (!in_.peek(frame)) pause();
    const std::uint64_t value = reinterpret_cast<const Ping*>(in_.payload(frame))->value;
    in_.consume(1);
    return value;
  }

 private:
  static constexpr FrameKind kKind{1, sizeof(Ping), alignof(Ping)};
  Lane::Producer& out_;
  Lane::Consumer& in_;
};

double lane_roundtrip(Context& context) {
  RoundTrips trips;
  Lane there(1 << 18);
  Lane back(1 << 18);
  constexpr std::uint64_t kLast = 0;
  static_cast<void>(context.run_pinned(
      [&] {
        LaneEnd end(there, back);
        std::uint64_t value = 1;
        for (trips.start(); end.send(Ping::of(value)), end.receive() == value && trips.answered();) ++value;
        end.send(Ping::of(kLast));
      },
      [&] {
        LaneEnd end(back, there);
        while (const std::uint64_t value = end.receive()) end.send(Ping::of(value));
      }));
  return trips.p50_with_notes(context);
}

}  // namespace

HEADRACE_BENCH_ROW("dispatch.roundtrip", .unit = "ns", .better = Better::lower) {
  row.ours(headrace_roundtrip);
  row.peer("bare lane", lane_roundtrip, everywhere(1.3));
}

}  // namespace headrace::bench
