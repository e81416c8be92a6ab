#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "console.hpp"
#include "intake.hpp"

namespace headrace::program {

/// Draws a line about the intake a few times a second, on a terminal only, as long as it lives.
class Progress {
 public:
  Progress(Console& console, const Intake& intake);
  ~Progress();

 private:
  void run(const std::stop_token& stop);
  Console& console_;
  const Intake& intake_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace headrace::program
