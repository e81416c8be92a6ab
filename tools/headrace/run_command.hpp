#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config.hpp"

namespace headrace::program {

struct RunArguments {
  std::filesystem::path config;
  std::filesystem::path output_folder;  ///< empty: the config's own
  std::filesystem::path report_json;    ///< empty: none
  std::filesystem::path graph;          ///< empty: none
  std::string speed;                    ///< empty: the config's
  bool quiet = false;
};

/// Prints the problems of a config; true when there are none.
[[nodiscard]] bool say_problems(const std::vector<ConfigProblem>& problems);
[[nodiscard]] int run_command(const RunArguments& arguments);
[[nodiscard]] int check_command(const RunArguments& arguments);

}  // namespace headrace::program
