#include "affinity_mask.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>

namespace headrace {
namespace {

// Masks as arrays of words, as the kernel has them: cpu_set_t ends at CPU 1023.
constexpr std::size_t kWordBits = sizeof(unsigned long) * CHAR_BIT;
constexpr std::size_t kWordsMax = 1024;

}  // namespace

std::vector<int> current_affinity() {
  std::vector<int> cpus;
  // A mask that is too short for this kernel is refused with EINVAL.
  for (std::size_t words = sizeof(cpu_set_t) / sizeof(unsigned long); words <= kWordsMax; words *= 2) {
    std::vector<unsigned long> mask(words);
    if (::sched_getaffinity(0, words * sizeof(unsigned long), reinterpret_cast<cpu_set_t*>(mask.data())) != 0) {
      if (errno == EINVAL) continue;
      break;
    }
    for (std::size_t bit = 0; bit < words * kWordBits; ++bit) {
      if ((mask[bit / kWordBits] >> (bit % kWordBits)) & 1) cpus.push_back(static_cast<int>(bit));
    }
    break;
  }
  return cpus;
}

int set_current_affinity(const std::vector<int>& cpus) {
  if (cpus.empty() || std::ranges::min(cpus) < 0) return EINVAL;
  const auto highest = static_cast<std::size_t>(std::ranges::max(cpus));
  std::vector<unsigned long> mask(highest / kWordBits + 1);
  for (const int cpu : cpus) {
    const auto bit = static_cast<std::size_t>(cpu);
    mask[bit / kWordBits] |= 1UL << (bit % kWordBits);
  }
  const auto* set = reinterpret_cast<const cpu_set_t*>(mask.data());
  return ::sched_setaffinity(0, mask.size() * sizeof(unsigned long), set) == 0 ? 0 : errno;
}

}  // namespace headrace
