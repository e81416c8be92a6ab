#pragma once

#include <vector>

namespace headrace {

/// The calling thread's mask, ascending. Empty if the kernel will not tell.
[[nodiscard]] std::vector<int> current_affinity();

/// Sets it; returns 0 or an errno.
[[nodiscard]] int set_current_affinity(const std::vector<int>& cpus);

}  // namespace headrace
