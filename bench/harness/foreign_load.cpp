#include "harness/foreign_load.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace headrace::bench {
namespace {

struct Seconds {
  double all, busy;
};

Seconds machine_seconds() {
  // user nice system idle iowait irq softirq steal, in clock ticks
  std::array<double, 8> ticks{};
  std::ifstream stat("/proc/stat");
  std::string cpu;
  stat >> cpu;
  for (double& value : ticks) stat >> value;
  const auto a_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const double all = std::accumulate(ticks.begin(), ticks.end(), 0.0);
  return {.all = all / a_second, .busy = (all - ticks[3] - ticks[4]) / a_second};
}

std::vector<int>& own_children() {
  static std::vector<int> pids;
  return pids;
}

double seconds_of_child(int pid) {
  // pid (name) state, then ten fields before utime and stime; the name may hold blanks.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  stat.ignore(std::numeric_limits<std::streamsize>::max(), ')');
  std::string skipped;
  for (int field = 0; field < 11; ++field) stat >> skipped;
  double user = 0;
  double system = 0;
  stat >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double own_seconds() {
  double seconds = 0;
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    for (const timeval& part : {usage.ru_utime, usage.ru_stime}) {
      seconds += static_cast<double>(part.tv_sec) + static_cast<double>(part.tv_usec) / 1e6;
    }
  }
  for (const int pid : own_children()) seconds += seconds_of_child(pid);
  return seconds;
}

}  // namespace

void count_as_own(int child_pid) { own_children().push_back(child_pid); }
void forget_own(int child_pid) { std::erase(own_children(), child_pid); }

ForeignLoad::ForeignLoad() : own_seconds_(own_seconds()) {
  const Seconds machine = machine_seconds();
  all_seconds_ = machine.all;
  busy_seconds_ = machine.busy;
}

double ForeignLoad::share() const {
  const Seconds machine = machine_seconds();
  const double foreign = (machine.busy - busy_seconds_) - (own_seconds() - own_seconds_);
  return std::clamp(foreign / std::max(machine.all - all_seconds_, 0.01), 0.0, 1.0);
}

}  // namespace headrace::bench
