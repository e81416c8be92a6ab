#include "harness/machine.hpp"

#include <sys/utsname.h>

#include <fstream>
#include <thread>

#include "headrace_commit.hpp"

namespace headrace::bench {
namespace {

std::string processor_model() {
  std::ifstream info("/proc/cpuinfo");
  std::string model, family, number;
  const auto value = [](const std::string& line) {
    return line.substr(std::min(line.find(": "), line.size() - 2) + 2);
  };
  for (std::string line; std::getline(info, line) && !line.empty();) {
    if (line.starts_with("model name") || line.starts_with("CPU part")) model = value(line);
    if (line.starts_with("cpu family")) family = value(line);
    if (line.starts_with("model\t")) number = value(line);
  }
  if (model.empty()) model = "unknown processor";
  return family.empty() ? model : model + " (family " + family + " model " + number + ")";
}

std::string compiler_name() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace

Provenance provenance() {
  utsname kernel{};
  uname(&kernel);
  return {.machine = processor_model() + ", " + std::to_string(std::thread::hardware_concurrency()) + " cpus, " +
                     kernel.sysname + " " + kernel.release + " " + kernel.machine,
          .compiler = compiler_name() + " " + HEADRACE_BENCH_FLAGS,
          .commit = HEADRACE_COMMIT,
          .left_out = HEADRACE_BENCH_LEFT_OUT};
}

}  // namespace headrace::bench
