#pragma once

#include <filesystem>
#include <string>

namespace headrace::program {

/// What the program answers its caller with.
enum ExitCode : int { kExitOk = 0, kExitFailed = 1, kExitUsage = 2, kExitNotBalanced = 3 };

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
