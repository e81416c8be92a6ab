#pragma once

#include <functional>
#include <vector>

namespace headrace::bench {

/// The processors that a measurement may use: the two of the probe first.
using Cpus = std::vector<int>;

/// Every processor that this process may run on, one a physical core first, their siblings after.
[[nodiscard]] Cpus allowed_cpus();

/// Pins the calling thread. Ends the program when the kernel refuses: an unpinned figure would be a wrong one.
void pin_this_thread(int cpu);

enum class Placement {
  pinned,  ///< thread i runs on cpus[i % cpus.size()]
  free     ///< the kernel places them, over the same cpus
};

/// Starts one thread a function, releases them together, and answers the seconds from the first start to the
/// last end. The functions must not throw. Check results after it has returned.
double seconds_together(const Cpus& cpus, Placement placement,
                        const std::vector<std::function<void()>>& functions);

}  // namespace headrace::bench
