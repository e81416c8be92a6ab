#pragma once

#include <filesystem>
#include <string>

namespace headrace::program {

struct RunArguments {
  std::filesystem::path config;
  std::filesystem::path output_folder;  ///< empty: the config's own
  std::filesystem::path report_json;    ///< empty: none
  std::string speed;                    ///< empty: the config's
  bool quiet = false;
};

[[nodiscard]] int run_command(const RunArguments& arguments);
[[nodiscard]] int check_command(const RunArguments& arguments);

}  // namespace headrace::program
