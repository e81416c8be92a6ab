#include "interrupt.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>

namespace headrace::program {
namespace {

// A signal handler reaches nothing but globals.
std::atomic<bool> raised_flag{false};
std::atomic<bool> hangup_flag{false};
int wake_descriptor = -1;

void wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_descriptor, &one, sizeof one);
}

extern "C" void on_signal(int signal) {
  raised_flag.store(true, std::memory_order_relaxed);  // no partner: a flag alone, no data behind it
  wake();
  std::signal(signal, SIG_DFL);
}

extern "C" void on_hangup(int) {
  hangup_flag.store(true, std::memory_order_relaxed);  // no partner: a flag alone, no data behind it
  wake();
}

}  // namespace

Interrupt& Interrupt::install() {
  static Interrupt instance;
  if (wake_descriptor < 0) {
    wake_descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct sigaction action = {};
    action.sa_handler = on_signal;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
  }
  return instance;
}

bool Interrupt::raised() const noexcept {
  return raised_flag.load(std::memory_order_relaxed);
}  // no partner: see above

void Interrupt::catch_hangup() {
  struct sigaction action = {};
  action.sa_handler = on_hangup;
  ::sigaction(SIGHUP, &action, nullptr);
}

bool Interrupt::take_hangup() noexcept {
  // A signal to end may lose its wake-up here; raised() tells of it all the same.
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_descriptor, &count, sizeof count);
  return hangup_flag.exchange(false, std::memory_order_relaxed);  // no partner: a flag alone, no data behind it
}

int Interrupt::descriptor() const noexcept { return wake_descriptor; }

void Interrupt::wait_until(std::chrono::steady_clock::time_point time) const {
  using namespace std::chrono;
  pollfd wake{wake_descriptor, POLLIN, 0};
  while (!raised()) {
    const auto left = duration_cast<nanoseconds>(time - steady_clock::now()).count();
    if (left <= 0) return;
    const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
    if (::ppoll(&wake, 1, &timeout, nullptr) > 0) return;
  }
}

}  // namespace headrace::program
