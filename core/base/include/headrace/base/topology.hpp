#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "headrace/base/result.hpp"

namespace headrace {

/// A physical core: its hardware threads that this process may use, ascending.
struct Core {
  std::vector<int> cpus;
};

/// The CPUs that this process may use, and the cores they belong to.
struct Topology {
  std::vector<int> allowed_cpus;  ///< ascending
  std::vector<Core> cores;        ///< by their first CPU; together they hold exactly allowed_cpus

  /// This process's: the mask that it was started with (taskset, cpuset, a container), before any thread narrowed
  /// its own. A program that pins its main thread first still gets all its cores.
  [[nodiscard]] static Topology of_process();

  /// From a tree like /sys/devices/system/cpu. A CPU that the tree does not describe counts as a core of its own.
  [[nodiscard]] static Topology read(const std::string& sysfs_cpu, std::vector<int> allowed_cpus);
};

/// Where workers run: `Pin::none` leaves it to the scheduler, `Pin::cores` gives each a core of its own while
/// there are cores, then hardware threads; `Pin::cpus({1, 3})` names one CPU a worker.
class Pin {
 public:
  enum Policy { none, cores, listed };

  Pin(Policy policy = none) : policy_(policy) {}
  [[nodiscard]] static Pin cpus(std::vector<int> list) {
    Pin pin(listed);
    pin.list_ = std::move(list);
    return pin;
  }

  [[nodiscard]] Policy policy() const noexcept { return policy_; }
  [[nodiscard]] const std::vector<int>& list() const noexcept { return list_; }

 private:
  Policy policy_;
  std::vector<int> list_;
};

/// One CPU for each of `count` workers; empty for Pin::none. The error says which CPUs there are and what to
/// change.
[[nodiscard]] Result<std::vector<int>> pick_cpus(std::size_t count, const Pin& pin, const Topology& topology);
[[nodiscard]] Result<std::vector<int>> pick_cpus(std::size_t count, const Pin& pin);

/// @thread the one to be pinned
[[nodiscard]] Status pin_current_thread(int cpu);

/// Lets the thread run on every CPU of the process again, whatever mask it inherited from the thread that made it.
/// @thread the one to be released
[[nodiscard]] Status unpin_current_thread();

/// As shown by top, perf and gdb. The kernel keeps 15 bytes; a longer name loses its end.
/// @thread the one to be named
void name_current_thread(const std::string& name);

/// "0-3,8": how the kernel, taskset and our messages write sets of CPUs.
[[nodiscard]] std::string format_cpu_list(const std::vector<int>& ascending_cpus);
/// The inverse. Empty when the text is no such list.
[[nodiscard]] std::vector<int> parse_cpu_list(const std::string& text);

}  // namespace headrace
