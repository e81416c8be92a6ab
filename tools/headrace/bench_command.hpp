#pragma once

#include <filesystem>

#include "machine_bench.hpp"

namespace headrace::program {

struct BenchArguments {
  std::filesystem::path json;  ///< empty: none
  std::size_t runs = 7;
};

/// Measures this machine, prints tables, and writes the same as JSON.
[[nodiscard]] int bench_command(const BenchArguments& arguments);

}  // namespace headrace::program
