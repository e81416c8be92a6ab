#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>

namespace headrace {

/// What goes wrong in a simulation, each so many times in a thousand. All are off by default.
///
/// A full lane is no fault of its own: give the bus lanes of 4,096 bytes and publish more than fits.
struct Faults {
  // Of a worker, at each of its turns.
  std::uint32_t stall = 0;  ///< it does nothing for up to stall_max
  std::chrono::nanoseconds stall_max = std::chrono::milliseconds(50);
  // Of a handler subscribed by SimulatedBus::subscribe, at each call.
  std::uint32_t throws = 0;  ///< SimulatedFault, instead of running
  std::uint32_t slow = 0;    ///< time goes on by up to slow_max while it runs
  std::chrono::nanoseconds slow_max = std::chrono::milliseconds(20);
  // Of a SimulatedPublisher, at each event: what a network does before the bus.
  std::uint32_t drop = 0;
  std::uint32_t duplicate = 0;
  std::uint32_t reorder = 0;  ///< an event overtakes some of other keys; those of a key keep their order
  // Of the machine, at each step.
  std::uint32_t clock_jump = 0;  ///< the wall clock is set by up to clock_jump_max, forward or back
  std::chrono::nanoseconds clock_jump_max = std::chrono::hours(1);
};

/// What a handler throws by Faults::throws.
struct SimulatedFault : std::runtime_error {
  SimulatedFault() : std::runtime_error("a simulated fault") {}
};

}  // namespace headrace
