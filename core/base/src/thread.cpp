#include <pthread.h>

#include <system_error>

#include "affinity_mask.hpp"
#include "headrace/base/topology.hpp"

namespace headrace {
namespace {

Status set_affinity(const std::vector<int>& cpus, const std::string& where) {
  const int error = set_current_affinity(cpus);
  if (error == 0) return Nothing{};
  return Error{"the kernel refuses to run this thread there (" + std::generic_category().message(error) +
                   "); the process may use CPUs " + format_cpu_list(Topology::of_process().allowed_cpus),
               where, Error::Retry::no};
}

}  // namespace

Status pin_current_thread(int cpu) { return set_affinity({cpu}, "CPU " + std::to_string(cpu)); }

Status unpin_current_thread() {
  const auto cpus = Topology::of_process().allowed_cpus;
  return set_affinity(cpus, "CPUs " + format_cpu_list(cpus));
}

void name_current_thread(const std::string& name) {
  constexpr std::size_t kNameBytesMax = 15;
  ::pthread_setname_np(::pthread_self(), name.substr(0, kNameBytesMax).c_str());
}

}  // namespace headrace
