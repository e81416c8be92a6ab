#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

}  // namespace
}  // namespace headrace::program
