#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "program.hpp"

namespace headrace::program {
namespace {

using nlohmann::json;

/// Runs a config of tools/examples; its files go to the folder.
json example(const std::string& name, const Folder& folder) {
  const Outcome run = run_program({"run", HEADRACE_EXAMPLE_FOLDER "/" + name, "--output-dir", folder.path(""),
                                   "--report-json", folder.path("report.json")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(run.last_line().starts_with("ledger balanced: published ")) << run.out;
  EXPECT_TRUE(run.last_line().ends_with("failed 0 + in flight 0")) << run.out;
  json report = json::parse(folder.read("report.json"));
  EXPECT_EQ(report["rejected"], 0);
  EXPECT_EQ(report["warnings"], json::array());
  return report;
}

json subscription(const json& report, std::string_view name) {
  for (const json& s : report["subscriptions"]) {
    if (s["name"] == name) return s;
  }
  ADD_FAILURE() << "no subscription " << name;
  return {};
}

// Claim:  the example does what its comments say, on all of its data. The numbers were counted by another program.
// Method: a run as in the README, compared with the counts of the data.
TEST(Examples, Weather) {
  const Folder folder;
  const json report = example("weather.toml", folder);
  EXPECT_EQ(report["records"], 26'277);
  EXPECT_EQ(subscription(report, "archive")["counts"],
            (json{{"temperature", 8'759}, {"wind", 8'759}, {"pressure", 8'759}}));
  EXPECT_EQ(subscription(report, "frost")["written"], 30);
  EXPECT_EQ(subscription(report, "warnings")["alerts"], 15);
}

// Claim, Method: as above.
TEST(Examples, Earthquakes) {
  const Folder folder;
  const json report = example("earthquakes.toml", folder);
  EXPECT_EQ(report["records"], 1'707);
  EXPECT_EQ(subscription(report, "networks")["handled"], 1'679);
  EXPECT_EQ(subscription(report, "blasts")["counts"], (json{{"explosion", 15}, {"quarry blast", 13}}));
  EXPECT_EQ(subscription(report, "strong")["written"], 85);
  EXPECT_EQ(subscription(report, "watch")["handled"], 85);
  EXPECT_EQ(subscription(report, "watch")["alerts"], 8);
}

// Claim, Method: as above.
TEST(Examples, Birdstrikes) {
  const Folder folder;
  const json report = example("birdstrikes.toml", folder);
  EXPECT_EQ(report["records"], 10'000);
  EXPECT_EQ(subscription(report, "species")["handled"], 10'000);
  EXPECT_EQ(subscription(report, "airports")["handled"], 1'061);
  EXPECT_EQ(subscription(report, "costly")["alerts"], 6);
}

// Claim:  a day's invoices are stored, each in its stream, and a day that is read again changes nothing; the program of
//         the example rebuilds them all, and ends every cancellation in one of its two ends, whenever it is run.
// Method: as in the guide, each step twice.
#if defined(HEADRACE_EXAMPLE_INVOICES)
TEST(Examples, Invoices) {
  const Folder folder;
  std::ifstream day(HEADRACE_EXAMPLE_FOLDER "/../data/invoices.csv");
  const std::string lines{std::istreambuf_iterator<char>(day), {}};
  const std::string store = folder.path("invoices.db");
  for (int times = 0; times < 2; ++times) {
    const Outcome run =
        run_program({"run", HEADRACE_EXAMPLE_FOLDER "/invoices.toml", "--output-dir", folder.path("")}, lines);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(run.last_line().find("ledger balanced: published 20 = handled 20"), 0U) << run.out;
    EXPECT_EQ(run_program({"events", "verify", store}).exit_code, 0);
    const std::string output = folder.path("output");
    const std::string command = HEADRACE_EXAMPLE_INVOICES " " + store + " > " + output;
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_EQ(folder.read("output"),
              "4 invoices and 3 cancellations rebuilt from 10 lines: 150.45 sold, 93.95 to be taken back\n"
              "1 cancellations credited, 14 things in all; 2 refused, and their goods sent back\n");
  }
}
#endif

}  // namespace
}  // namespace headrace::program
