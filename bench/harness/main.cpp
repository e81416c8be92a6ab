#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fstream>
#include <regex>

#include "harness/report.hpp"
#include "harness/runner.hpp"

namespace headrace::bench {
namespace {

struct Arguments {
  std::string json, filter;
  bool list = false;
  RunOptions run;
};

std::vector<Row> rows_matching(const std::string& filter) {
  auto rows = all_rows();
  if (!filter.empty()) {
    const std::regex pattern(filter);
    std::erase_if(rows, [&](const Row& row) { return !std::regex_search(row.name(), pattern); });
  }
  return rows;
}

void list(const std::vector<Row>& rows) {
  print_left_out(provenance());
  for (const Row& row : rows) {
    fmt::print("{} [{}]\n", row.name(), row.spec().unit);
    for (const Contender& peer : row.peers()) fmt::print("    against {}\n", peer.name);
  }
}

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) throw std::runtime_error("cannot write " + path);
}

/// Answers the exit code: 0, or 1 when a row could not be measured. A missed aim is a result, not a failure.
int measure_all(const std::vector<Row>& rows, const Arguments& arguments) {
  const Provenance made = provenance();
  print_head(made, arguments.run);
  print_table_head();
  std::vector<Comparison> all;
  std::vector<NotMeasured> others;
  for (const Row& row : rows) {
    const auto lacks = [&](const std::string& why) {
      others.push_back({row.name(), row.spec().unit, why});
      print_line(others.back());
    };
    try {
      const auto comparisons = measure(row, arguments.run);
      if (comparisons.empty()) lacks("the cores' distance kept changing");
      for (const Comparison& comparison : comparisons) print_line(comparison);
      all.insert(all.end(), comparisons.begin(), comparisons.end());
    } catch (const std::exception& error) {
      lacks(error.what());
    }
    // Written after every row, so that an interrupted run keeps what it has.
    if (!arguments.json.empty()) write(arguments.json, to_json(all, others, made));
  }
  const auto aims = std::ranges::count_if(all, [](const Comparison& c) { return c.target.has_value(); });
  const auto met = std::ranges::count_if(all, [](const Comparison& c) { return c.target && c.met(); });
  fmt::print("\n{} rows, {} comparisons, {} of {} aims met, {} rows not measured\n", rows.size(), all.size(), met,
             aims, others.size());
  return others.empty() ? 0 : 1;
}

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Measures headrace against its peers, turn about in one run, and prints the ratios."};
  app.add_option("--json", arguments.json, "Write one object a comparison to this file")->type_name("FILE");
  app.add_option("--filter", arguments.filter, "Only rows whose name matches")->type_name("REGEX");
  app.add_flag("--list", arguments.list, "List the rows and their peers, measure nothing");
  app.add_option("--runs", arguments.run.runs, "Runs a row")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--seconds", arguments.run.seconds_per_run, "Aim for the length of one run")
      ->capture_default_str();
  app.add_option("--cpus", arguments.run.cpus, "The processors to use, the two that are probed first")
      ->delimiter(',');
  CLI11_PARSE(app, argc, argv);

  const auto rows = rows_matching(arguments.filter);
  if (arguments.list) return list(rows), 0;
  if (rows.empty()) return fmt::print(stderr, "no row matches '{}'; --list names them\n", arguments.filter), 2;
  return measure_all(rows, arguments);
}

}  // namespace
}  // namespace headrace::bench

int main(int argc, char** argv) {
  try {
    return headrace::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "headrace-bench: {}\n", error.what());
    return 2;
  }
}
