#include "headrace/base/topology.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <utility>

#include "affinity_mask.hpp"

namespace headrace {
namespace {

const std::vector<int>& startup_cpus() {
  static const std::vector<int> cpus = current_affinity();
  return cpus;
}

// Asked for before main, while the only thread still has the mask that the process was started with.
[[maybe_unused]] const auto& kAskedBeforeMain = startup_cpus();

// The hardware threads of this CPU's core, as the kernel names them; since 5.3 in the first file.
std::vector<int> siblings(const std::string& sysfs_cpu, int cpu) {
  for (const char* file : {"core_cpus_list", "thread_siblings_list"}) {
    std::ifstream in(sysfs_cpu + "/cpu" + std::to_string(cpu) + "/topology/" + file);
    std::string line;
    if (std::getline(in, line)) {
      if (auto cpus = parse_cpu_list(line); !cpus.empty()) return cpus;
    }
  }
  return {cpu};
}

std::string describe(const Topology& topology) {
  return "this process may use CPUs " + format_cpu_list(topology.allowed_cpus);
}

Error pin_error(std::string what) { return Error{std::move(what), "option pin", Error::Retry::no}; }

Result<std::vector<int>> pick_cores(std::size_t count, const Topology& topology) {
  if (count > topology.allowed_cpus.size()) {
    return pin_error(std::to_string(count) + " workers want a CPU each, but " + describe(topology) +
                     "; lower the number of workers, or use Pin::none");
  }
  std::vector<int> picked;
  for (std::size_t sibling = 0; picked.size() < count; ++sibling) {
    for (const auto& core : topology.cores) {
      if (sibling < core.cpus.size() && picked.size() < count) picked.push_back(core.cpus[sibling]);
    }
  }
  return picked;
}

Result<std::vector<int>> pick_listed(std::size_t count, const std::vector<int>& list, const Topology& topology) {
  if (list.size() != count) {
    return pin_error("the list names " + std::to_string(list.size()) + " CPUs for " + std::to_string(count) +
                     " workers; name one for each");
  }
  for (const int cpu : list) {
    if (!std::ranges::binary_search(topology.allowed_cpus, cpu)) {
      return pin_error("CPU " + std::to_string(cpu) + " is not there or not allowed; " + describe(topology));
    }
  }
  return list;
}

}  // namespace

Topology Topology::of_process() { return read("/sys/devices/system/cpu", startup_cpus()); }

Topology Topology::read(const std::string& sysfs_cpu, std::vector<int> allowed_cpus) {
  std::ranges::sort(allowed_cpus);
  std::map<int, Core> by_first_sibling;
  for (const int cpu : allowed_cpus) by_first_sibling[siblings(sysfs_cpu, cpu).front()].cpus.push_back(cpu);
  Topology topology{std::move(allowed_cpus), {}};
  for (auto& [first, core] : by_first_sibling) topology.cores.push_back(std::move(core));
  std::ranges::sort(topology.cores, {}, [](const Core& core) { return core.cpus.front(); });
  return topology;
}

Result<std::vector<int>> pick_cpus(std::size_t count, const Pin& pin, const Topology& topology) {
  switch (pin.policy()) {
    case Pin::cores:
      return pick_cores(count, topology);
    case Pin::listed:
      return pick_listed(count, pin.list(), topology);
    case Pin::none:
      break;
  }
  return std::vector<int>{};
}

Result<std::vector<int>> pick_cpus(std::size_t count, const Pin& pin) {
  return pick_cpus(count, pin, Topology::of_process());
}

std::string format_cpu_list(const std::vector<int>& cpus) {
  std::string text;
  for (std::size_t first = 0; first < cpus.size();) {
    auto last = first;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[first]);
    if (last != first) text += '-' + std::to_string(cpus[last]);
    first = last + 1;
  }
  return text;
}

std::vector<int> parse_cpu_list(const std::string& text) {
  constexpr int kCpuMax = 1 << 16;
  std::vector<int> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](int& value) {
    const auto [rest, error] = std::from_chars(at, end, value);
    at = rest;
    return error == std::errc{} && value >= 0 && value < kCpuMax;
  };
  for (;;) {
    int first = 0;
    if (!number(first)) return {};
    int last = first;
    if (at != end && *at == '-') {
      ++at;
      if (!number(last) || last < first) return {};
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (at == end || *at == '\n') return cpus;
    if (*at++ != ',') return {};
  }
}

}  // namespace headrace
