#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "headrace/bus/bus.hpp"
#include "headrace/simulation/faults.hpp"
#include "headrace/simulation/faulty_handler.hpp"
#include "headrace/simulation/seeded_random.hpp"
#include "headrace/simulation/simulated_publisher.hpp"
#include "headrace/simulation/simulated_time.hpp"

namespace headrace {

struct SimulationOptions {
  std::uint64_t seed = 1;
  unsigned workers = 2;
  /// The simulation sets workers, time, ids and `repeatable` itself. Small, so that thousands are quickly made.
  DispatcherOptions bus = {.lane_bytes = std::size_t{1} << 14, .publishers_max = 16, .balanced_slots = 64};
  DeliveryDefaults delivery = {.timers_max = 4096};
  Faults faults = {};
  std::uint32_t budget_max = 16;  ///< a worker's turn takes between one and so many events of each lane
};

/// What one step did.
struct SimulatedStep {
  enum class Kind : std::uint8_t {
    polled,     ///< a worker took a turn
    stalled,    ///< a worker's turn was put off
    published,  ///< a publisher ran
    called,     ///< something scheduled by at() or after() ran
    waited,     ///< nobody had anything to do: time went on
  };
  Kind kind;
  std::uint32_t who;       ///< which worker or publisher
  std::uint64_t budget;    ///< polled: what the worker was allowed
  std::uint64_t settled;   ///< polled: what it answered; published: whether the event is gone
  std::uint64_t begun_ns;  ///< the time when it began
};

/// The real bus on one thread and on a clock of its own: which worker or publisher runs next, for how long, and
/// what goes wrong comes from one seed. The same seed and the same calls give the same run.
///
///     hr::SimulatedBus sim{{.seed = seed, .faults = {.stall = 20, .throws = 50}}};
///     auto billing = sim.subscribe<OrderPlaced>({.ordered = true, .retry = hr::fixed(50ms, 5)}, charge);
///     auto& shop = sim.publisher();
///     shop.publish(OrderPlaced{1, 7, 1999});
///     sim.run_until_quiet();
///     if (sim.bus().snapshot().ledger.handled != 1) fail(sim.describe());
///
/// Threads:   one; nothing here waits, and handlers run inside step().
/// Time:      moves only when nobody has anything to do, to the next timer; and by advance() and slow handlers.
/// Real time: Overflow::block never waits, as on every polled bus. What handlers do by themselves with the
///            machine's clock, random numbers or addresses does not repeat itself.
class SimulatedBus {
 public:
  explicit SimulatedBus(SimulationOptions options = {});
  ~SimulatedBus();
  SimulatedBus(const SimulatedBus&) = delete;
  SimulatedBus& operator=(const SimulatedBus&) = delete;

  /// As Bus::subscribe, with the simulation's faults on the handler. bus().subscribe() leaves them out.
  template <Event T, class F>
  requires HandlerOf<F, T>
  [[nodiscard]] Subscription subscribe(const SubscribeOptions& options, F handler) {
    return bus_->subscribe<T>(options, FaultyHandler<T, F>(handler_faults_, std::move(handler)));
  }
  template <Event T, class F>
  requires HandlerOf<F, T>
  [[nodiscard]] Subscription subscribe(F handler) { return subscribe<T>({}, std::move(handler)); }

  /// One more producer's thread; lives as long as the simulation.
  [[nodiscard]] SimulatedPublisher& publisher();
  /// Calls it once, when that much time has passed.
  void after(std::chrono::nanoseconds delay, std::function<void()> call);

  /// Lets one worker or publisher run, or time go on to the next timer, but not beyond `until_ns`. False: nothing
  /// is left to do before that.
  bool step(std::uint64_t until_ns = ~std::uint64_t{0});
  /// Runs for so long: everything due by then has happened when it returns, unless a worker stalls. Time does not go
  /// back: below zero is zero.
  void advance(std::chrono::nanoseconds time);
  /// Runs until nothing is left to do, or at most so long. False: it was not quiet by then.
  bool run_until_quiet(std::chrono::nanoseconds at_most = std::chrono::hours(24 * 365));
  /// Runs until quiet, then stops the bus; what still waits at the deadline is given up.
  StopReport stop(std::chrono::nanoseconds deadline);

  [[nodiscard]] Bus& bus() noexcept { return *bus_; }
  [[nodiscard]] SimulatedTime& time() noexcept { return time_; }
  [[nodiscard]] SeededRandom& random() noexcept { return random_; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return options_.seed; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

  /// A hash of everything that happened, in order: two runs that agree in it were the same.
  [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }
  /// Adds something of the program's own to the trace.
  void note(std::uint64_t value) noexcept { trace_ = mix64(trace_ ^ value) + 0x9e3779b97f4a7c15; }
  /// Called after each step.
  void on_step(std::function<void(const SimulatedStep&)> call) { on_step_ = std::move(call); }
  /// The seed and the last steps, for the message of a test that failed.
  [[nodiscard]] std::string describe() const;

 private:
  struct WorkerTurn {
    bool may_run = true;  ///< it has not answered "nothing" since something happened
    std::uint64_t stalled_until_ns = 0;
  };
  struct Call {
    std::uint64_t due_ns;
    std::uint64_t serial;
    std::function<void()> call;
  };
  static constexpr std::size_t kLastSteps = 16;

  [[nodiscard]] static DispatcherOptions dispatcher_options(const SimulationOptions& options, SimulatedBus& self);
  void collect_runnable();
  void poll(std::uint32_t worker, SimulatedStep& step);
  void run_publisher(std::uint32_t publisher, SimulatedStep& step);
  void run_call(SimulatedStep& step);
  [[nodiscard]] bool wait(std::uint64_t until_ns, SimulatedStep& step);
  [[nodiscard]] std::uint64_t next_due_ns() const;
  void wake_all() noexcept;
  void record(const SimulatedStep& step);

  const SimulationOptions options_;
  SimulatedTime time_;
  SeededRandom random_;
  HandlerFaults handler_faults_;
  std::unique_ptr<Bus> bus_;
  std::vector<WorkerTurn> workers_;
  std::vector<std::unique_ptr<SimulatedPublisher>> publishers_;
  std::vector<std::uint64_t> full_since_;  ///< by publisher: the step at which it was refused, or 0
  std::vector<Call> calls_;                ///< a heap by due time
  std::uint64_t calls_made_ = 0;
  std::vector<std::uint32_t> runnable_;  ///< workers, then publishers, then the calls
  std::uint64_t ids_made_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t progress_ = 1;  ///< the last step that settled something
  std::uint64_t trace_ = 0;
  std::vector<SimulatedStep> last_steps_;  ///< a ring
  std::function<void(const SimulatedStep&)> on_step_;
};

}  // namespace headrace
