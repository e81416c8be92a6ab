#include "bench_command.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "exit_code.hpp"
#include "other_load.hpp"
#include "save_text.hpp"
#include "text_table.hpp"

namespace headrace::program {
namespace {

constexpr double kOthersPercentMax = 5;

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

void print_matrix(const CoreMatrix& matrix) {
  std::vector<std::string> header = {"ns one way"};
  for (const int cpu : matrix.cpus) header.push_back(fmt::format("cpu {}", cpu));
  TextTable table(header);
  for (std::size_t i = 0; i < matrix.cpus.size(); ++i) {
    std::vector<std::string> row = {header[i + 1]};
    for (std::size_t j = 0; j < matrix.cpus.size(); ++j) {
      row.push_back(i == j ? "-" : fmt::format("{:.0f}", matrix.one_way_ns[i][j]));
    }
    table.add(std::move(row));
  }
  fmt::print("A cache line from core to core\n{}\n", table.text());
}

void print_rows(const char* title, const std::vector<BenchRow>& rows) {
  TextTable table({"measurement", "median", "+-", "unit", "runs"});
  for (const BenchRow& row : rows) {
    const int decimals = row.value < 10 ? 2 : row.value < 100 ? 1 : 0;
    table.add({row.name, fmt::format("{:.{}f}", row.value, decimals), fmt::format("{:.{}f}", row.spread, decimals),
               row.unit, std::to_string(row.runs)});
  }
  fmt::print("{}\n{}\n", title, table.text());
  std::fflush(stdout);
}

std::string as_json(const CoreMatrix& matrix, const std::vector<BenchRow>& rows, double others_percent) {
  nlohmann::ordered_json object = {{"processor", processor_name()},
                                   {"version", HEADRACE_VERSION},
                                   {"others_percent", others_percent},
                                   {"cpus", matrix.cpus},
                                   {"one_way_ns", matrix.one_way_ns}};
  for (const BenchRow& row : rows) {
    object["rows"].push_back({{"name", row.name},
                              {"value", row.value},
                              {"unit", row.unit},
                              {"spread", row.spread},
                              {"runs", row.runs}});
  }
  return object.dump(2) + "\n";
}

}  // namespace

int bench_command(const BenchArguments& arguments) {
  const BenchOptions options{arguments.runs};
  fmt::print("{}\n\n", processor_name());
  const OtherLoad others;
  const CoreMatrix matrix = measure_cores(options);
  print_matrix(matrix);
  const auto cpus = matrix.nearest();
  if (cpus.first == cpus.second) {
    fmt::print("Only one CPU may be used: both sides of all that follows share it.\n\n");
  } else {
    fmt::print("What follows ran on CPUs {} and {}.\n\n", cpus.first, cpus.second);
  }
  std::vector<BenchRow> all;
  const auto part = [&](const char* title, std::vector<BenchRow> rows) {
    print_rows(title, rows);
    std::move(rows.begin(), rows.end(), std::back_inserter(all));
  };
  part("A bare lane, by payload and batch", measure_lane(options, cpus));
  part("The whole bus, publish to handler", measure_dispatch(options, cpus));
  part("An idle bus, and its wake-up after 10 ms of silence", measure_idle(options, cpus));
  const double others_percent = others.percent();
  if (others_percent > kOthersPercentMax) {
    fmt::print(
        "warning: other programs used {:.0f} % of the processors meanwhile; measure again when it is quiet\n",
        others_percent);
  }
  if (arguments.json.empty()) return kExitOk;
  return save_text(arguments.json, as_json(matrix, all, others_percent)) ? kExitOk : kExitFailed;
}

}  // namespace headrace::program
