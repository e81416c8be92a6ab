// headrace-model: runs the litmus programs, or their mutants.
//
//     headrace-model [--litmus PREFIX] [--executions N] [--history]   run
//     headrace-model --list
//     headrace-model --mutate --justified FILE [--litmus PREFIX] [--executions N] [--markdown FILE]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <thread>

#include "harness/litmus.hpp"
#include "harness/mutation_runner.hpp"
#include "harness/report.hpp"
#include "harness/source_text.hpp"

namespace headrace::model {
namespace {

struct Options {
  enum class Mode : std::uint8_t { run, list, mutate } mode = Mode::run;
  std::string prefix;
  std::optional<std::uint64_t> executions;
  bool history = false;
  std::string justified;
  std::string markdown;
};

constexpr std::uint64_t kRunExecutions = 1'000'000;
constexpr std::uint64_t kMutantExecutions = 100'000;
constexpr std::uint64_t kRecordExecutions = 50'000;

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&]() -> std::string { return i + 1 < argc ? argv[++i] : ""; };
    if (flag == "--list") {
      options.mode = Options::Mode::list;
    } else if (flag == "--mutate") {
      options.mode = Options::Mode::mutate;
    } else if (flag == "--history") {
      options.history = true;
    } else if (flag == "--litmus") {
      options.prefix = value();
    } else if (flag == "--executions") {
      options.executions = std::strtoull(value().c_str(), nullptr, 10);
    } else if (flag == "--justified") {
      options.justified = value();
    } else if (flag == "--markdown") {
      options.markdown = value();
    } else {
      std::fprintf(stderr, "headrace-model: unknown option %s\n", argv[i]);
      return std::nullopt;
    }
  }
  return options;
}

bool run_one(const RegisteredLitmus& litmus, std::uint64_t executions, bool history) {
  const auto start = std::chrono::steady_clock::now();
  const bool tell = history || litmus.expect == Expect::success;
  const Outcome outcome = litmus.run(litmus.search, executions, tell ? &std::cout : nullptr);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const bool as_expected = outcome.failed() == (litmus.expect == Expect::failure);
  std::printf("%-4s %-40s %9llu executions%s, %.0f/s: %s%s\n", as_expected ? "ok" : "FAIL", litmus.name.c_str(),
              static_cast<unsigned long long>(outcome.executions), outcome.complete ? " (all there are)" : "",
              static_cast<double>(outcome.executions) / seconds.count(), outcome.what(),
              litmus.expect == Expect::failure ? ", a failure was planted" : "");
  std::fflush(stdout);
  return as_expected;
}

int run(const Options& options) {
  std::size_t ran = 0;
  bool good = true;
  for (const RegisteredLitmus& litmus : litmuses()) {
    if (!litmus.name.starts_with(options.prefix)) continue;
    ++ran;
    good = run_one(litmus, options.executions.value_or(kRunExecutions), options.history) && good;
  }
  if (ran == 0) std::fprintf(stderr, "headrace-model: no litmus begins with '%s'\n", options.prefix.c_str());
  return good && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int list() {
  for (const RegisteredLitmus& litmus : litmuses()) {
    std::printf("%-40s %s\n", litmus.name.c_str(), litmus.claim.c_str());
  }
  return EXIT_SUCCESS;
}

// Puts the table behind the marker; what stands before it is written by hand.
bool rewrite_table(const std::string& path, const Report& report) {
  constexpr std::string_view kMarker = "<!-- generated from here on -->";
  std::string kept;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    kept += line + '\n';
    if (line == kMarker) break;
  }
  if (!kept.ends_with(std::string(kMarker) + '\n')) {
    std::fprintf(stderr, "headrace-model: %s has no line '%s'\n", path.c_str(), kMarker.data());
    return false;
  }
  std::ofstream out(path);
  out << kept << '\n';
  report.write_summary(out);
  report.write_markdown(out);
  return out.good();
}

// Sites are found again by their lines.
bool sources_are_as_compiled(const SiteRegistry& registry) {
  const auto compiled = std::filesystem::last_write_time("/proc/self/exe");
  for (const Sighting& sighting : registry.sightings()) {
    if (std::filesystem::last_write_time(path_of(sighting.site.file)) > compiled) {
      std::fprintf(stderr, "headrace-model: %s was changed since: build again\n", sighting.site.file);
      return false;
    }
  }
  return true;
}

int mutate(const Options& options) {
  static SiteRegistry registry;
  std::string error;
  auto justifications = Justifications::read(options.justified, error);
  if (!justifications) {
    std::fprintf(stderr, "headrace-model: %s\n", error.c_str());
    return EXIT_FAILURE;
  }
  const auto executions = options.executions.value_or(kMutantExecutions);
  if (!record_sites(registry, options.prefix, std::min(executions, kRecordExecutions), error)) {
    std::fprintf(stderr, "headrace-model: %s fails without any mutation\n", error.c_str());
    return EXIT_FAILURE;
  }
  if (!sources_are_as_compiled(registry)) return EXIT_FAILURE;
  const auto processes = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  const Report report(registry, run_mutants(registry, executions, processes), *justifications);
  report.write_summary(std::cout);
  for (const std::string& complaint : report.complaints()) std::cout << "FAIL " << complaint << '\n';
  if (!options.markdown.empty() && !rewrite_table(options.markdown, report)) return EXIT_FAILURE;
  return report.complaints().empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace headrace::model

int main(int argc, char** argv) {
  using namespace headrace::model;
  const auto options = parse(argc, argv);
  if (!options) return EXIT_FAILURE;
  switch (options->mode) {
    case Options::Mode::run:
      return run(*options);
    case Options::Mode::list:
      return list();
    case Options::Mode::mutate:
      return mutate(*options);
  }
}
