#pragma once

#include <chrono>

namespace headrace::program {

/// SIGINT and SIGTERM as a flag to look at and a descriptor to wait on. The second one kills, as usual. SIGHUP, for
/// those who ask.
class Interrupt {
 public:
  /// Installs the handlers, once a process.
  [[nodiscard]] static Interrupt& install();

  [[nodiscard]] bool raised() const noexcept;
  /// From now on SIGHUP ends nothing: it makes the descriptor readable, until take_hangup().
  void catch_hangup();
  /// Whether one came since the last call.
  [[nodiscard]] bool take_hangup() noexcept;
  /// Readable from the moment the signal came.
  [[nodiscard]] int descriptor() const noexcept;
  /// Waits until the time has passed or a signal came.
  void wait_until(std::chrono::steady_clock::time_point time) const;
};

}  // namespace headrace::program
