#include "headrace/simulation/seeds.hpp"

#include <cstdlib>
#include <exception>

namespace headrace {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string run_one(std::uint64_t seed, const std::function<std::string(std::uint64_t)>& run) {
  std::string wrong;
  try {
    wrong = run(seed);
  } catch (const std::exception& error) {
    wrong = std::string("it threw: ") + error.what();
  }
  if (wrong.empty()) return wrong;
  const std::string number = std::to_string(seed);
  return "seed " + number + ": " + wrong + "\nreplay it with HEADRACE_SIM_SEED=" + number;
}

}  // namespace

std::string for_each_seed(std::uint64_t count, const std::function<std::string(std::uint64_t)>& run) {
  if (const std::uint64_t only = from_environment("HEADRACE_SIM_SEED", 0); only != 0) return run_one(only, run);
  count = from_environment("HEADRACE_SIM_SEEDS", count);
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    if (std::string wrong = run_one(seed, run); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace headrace
