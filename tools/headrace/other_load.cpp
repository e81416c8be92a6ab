#include "other_load.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <tuple>
#include <utility>

namespace headrace::program {
namespace {

/// Busy and whole time of all processors, from the first line of /proc/stat: user nice system idle iowait irq
/// softirq steal.
std::pair<double, double> machine_seconds() {
  std::ifstream stat("/proc/stat");
  std::string name;
  double busy = 0;
  double all = 0;
  stat >> name;
  for (int column = 0; column < 8; ++column) {
    double ticks = 0;
    stat >> ticks;
    all += ticks;
    if (column != 3 && column != 4) busy += ticks;
  }
  const auto ticks_a_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return {busy / ticks_a_second, all / ticks_a_second};
}

}  // namespace

double own_processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

OtherLoad::OtherLoad() : own_seconds_(own_processor_seconds()) {
  std::tie(busy_seconds_, all_seconds_) = machine_seconds();
}

double OtherLoad::percent() const {
  const auto [busy, all] = machine_seconds();
  if (all <= all_seconds_) return 0;
  const double others = busy - busy_seconds_ - (own_processor_seconds() - own_seconds_);
  return std::max(0.0, 100.0 * others / (all - all_seconds_));
}

}  // namespace headrace::program
