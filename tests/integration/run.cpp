#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "program.hpp"

namespace headrace::program {
namespace {

using nlohmann::json;

/// A config for the source, with one subscription to everything.
std::string config(std::string_view source, std::string_view subscription = "") {
  return "[source]\n" + std::string(source) +
         "\n[event]\ntopic = \"t/{id}\"\nkey = \"{id}\"\n[bus]\nworkers = 2\n" +
         "[[subscription]]\nname = \"all\"\nfilter = \"t/#\"\n" + std::string(subscription) + "\n";
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// Claim:  bad records never stop a run; each is counted and kept with its line and reason.
// Method: a CSV with four kinds of bad records among three good ones.
TEST(Run, BadRecordsAreKeptWithLineAndReason) {
  const Folder folder;
  folder.write("in.csv", "id,v\n1,a\nshort\n,empty\n2,\"x\" y\n3,b\n4,c,long\n5,d\n");
  const auto file = folder.write("c.toml", config("path = \"in.csv\"", "write = \"out/all.csv\""));
  const Outcome run = run_program({"run", file});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.last_line(),
            "ledger balanced: published 3 = handled 3 + dropped 0 + unrouted 0 + failed 0 + in flight 0");
  const std::string rejects = folder.read("c.rejects.ndjson");
  ASSERT_EQ(lines(rejects), 4U) << rejects;
  const json first = json::parse(rejects.substr(0, rejects.find('\n')));
  EXPECT_EQ(first["line"], 3);
  EXPECT_EQ(first["reason"], "1 fields, expected 2");
  EXPECT_EQ(first["text"], "short");
  EXPECT_EQ(first["source"], folder.path("in.csv"));
  EXPECT_NE(rejects.find("topic field 'id' is empty"), std::string::npos);
  EXPECT_EQ(lines(folder.read("out/all.csv")), 4U);
}

// Claim:  a mistake in the config ends with exit code 2 and a message with file, line, column and key.
// Method: a misspelt key.
TEST(Run, ConfigMistakeIsShownInPlace) {
  const Folder folder;
  const auto file = folder.write("c.toml", config("path = \"in.csv\"", "wher = \"v > 1\""));
  for (const char* command : {"run", "check"}) {
    const Outcome run = run_program({command, file});
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.err,
              file + ":11:1: subscription[1].wher: unknown key; did you mean 'where'?\n  wher = \"v > 1\"\n  ^\n");
  }
}

// Claim:  what cannot be read ends with exit code 1 and says what and why.
// Method: a missing file, a folder, and a header without a field that the config mentions.
TEST(Run, UnreadableSourceIsSaid) {
  const Folder folder;
  EXPECT_NE(run_program({"run", folder.write("a.toml", config("path = \"gone.csv\""))}).err.find("No such file"),
            std::string::npos);
  const Outcome directory =
      run_program({"run", folder.write("b.toml", config("path = \"/tmp\"\nformat = \"csv\""))});
  EXPECT_EQ(directory.exit_code, 1);
  EXPECT_NE(directory.err.find("/tmp: is a folder"), std::string::npos) << directory.err;
  folder.write("in.csv", "idd,v\n1,2\n");
  const Outcome header = run_program({"run", folder.write("c.toml", config("path = \"in.csv\""))});
  EXPECT_EQ(header.exit_code, 1);
  EXPECT_NE(header.err.find("the header has no field 'id'"), std::string::npos) << header.err;
  EXPECT_NE(header.err.find("did you mean 'idd'?"), std::string::npos) << header.err;
}

// Claim:  both formats can be read from standard input.
// Method: three records each.
TEST(Run, ReadsStandardInput) {
  const Folder folder;
  const auto csv =
      folder.write("a.toml", config("kind = \"stdin\"\nformat = \"csv\"", "print = \"{$topic} {v}\""));
  const Outcome one = run_program({"run", csv}, "id,v\n1,x\n2,y\n3,z\n");
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(one.out.substr(0, 12), "t/1 x\nt/2 y\n");
  const auto ndjson =
      folder.write("b.toml", config("kind = \"stdin\"\nformat = \"ndjson\"", "count_by = \"{v}\""));
  const Outcome two = run_program({"run", ndjson}, "{\"id\":1,\"v\":\"x\"}\n{\"id\":2,\"v\":\"x\"}\n{\"id\":3}");
  EXPECT_NE(two.out.find("all: x 2, (empty) 1"), std::string::npos) << two.out;
}

// Claim:  SIGINT in the middle of a replay ends it with the report and a balanced ledger.
// Method: a replay whose second record is due in a year.
TEST(Run, SigintEndsWithTheReport) {
  const Folder folder;
  folder.write("in.csv", "id,at\n1,2020-01-01\n2,2021-01-01\n");
  std::string text = config("path = \"in.csv\"", "print = \"seen {id}\"");
  text.insert(text.find("key ="), "time = \"at\"\nspeed = 1\n");
  Program program({"run", folder.write("c.toml", text)});
  EXPECT_EQ(program.wait_for_output_line("seen"), "seen 1");
  program.signal(SIGINT);
  const Outcome run = program.wait();
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("interrupted"), std::string::npos) << run.out;
  EXPECT_EQ(run.last_line(),
            "ledger balanced: published 1 = handled 1 + dropped 0 + unrouted 0 + failed 0 + in flight 0");
}

// Claim:  records that feed each other's topics end: the bus counts them as failed.
// Method: a subscription that forwards to its own topic.
TEST(Run, ForwardingInACircleEnds) {
  const Folder folder;
  folder.write("in.csv", "id\n1\n2\n");
  const Outcome run =
      run_program({"run", folder.write("c.toml", config("path = \"in.csv\"", "forward = \"t/{id}\""))});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.last_line(),
            "ledger balanced: published 34 = handled 32 + dropped 0 + unrouted 0 + failed 2 + in flight 0");
  EXPECT_NE(run.out.find("forwarded 16 times"), std::string::npos) << run.out;
}

// Claim:  a full disk fails the events that could not be written, and the run says so and answers 1; also when the
//         output is so small that it meets the disk only when the file is closed.
// Method: an output file that leads to /dev/full; 5000 records, then one.
TEST(Run, FullDiskIsCountedAndSaid) {
  const Folder folder;
  std::string rows = "id\n";
  for (int i = 0; i < 5000; ++i) rows += std::to_string(i) + "\n";
  folder.write("in.csv", rows);
  std::filesystem::create_symlink("/dev/full", folder.path("full.ndjson"));
  const Outcome run =
      run_program({"run", folder.write("c.toml", config("path = \"in.csv\"", "write = \"full.ndjson\""))});
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_TRUE(run.last_line().starts_with("ledger balanced: published 5000 = ")) << run.out;
  EXPECT_EQ(run.last_line().find("failed 0 "), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("No space left on device"), std::string::npos) << run.out;
  folder.write("in.csv", "id\n1\n");
  const Outcome small = run_program({"run", folder.path("c.toml")});
  EXPECT_EQ(small.exit_code, 1) << small.out;
  EXPECT_NE(small.err.find("output is lost"), std::string::npos) << small.err;
  EXPECT_NE(small.out.find("No space left on device"), std::string::npos) << small.out;
}

// Claim:  under every overflow policy the ledger balances, and what was handled was done.
// Method: 20,000 records through the smallest lane under each policy; handled against lines written.
TEST(Run, EveryOverflowPolicyBalances) {
  const Folder folder;
  std::string rows = "id,v\n";
  for (int i = 0; i < 20'000; ++i) rows += std::to_string(i % 50) + "," + std::to_string(i) + "\n";
  folder.write("in.csv", rows);
  for (const std::string policy : {"block", "fail", "drop_newest", "drop_oldest", "conflate", "spill"}) {
    std::string text = config("path = \"in.csv\"", "overflow = \"" + policy + "\"\nwrite = \"out.ndjson\"");
    text.replace(text.find("workers"), 0, "lane_bytes = \"4 KiB\"\n");
    const Outcome run = run_program({"run", folder.write("c.toml", text), "--report-json", folder.path("r.json")});
    ASSERT_EQ(run.exit_code, 0) << policy << run.err << run.out;
    const json report = json::parse(folder.read("r.json"));
    EXPECT_TRUE(report["balanced"]) << policy;
    EXPECT_EQ(report["records"], 20'000);
    EXPECT_EQ(report["subscriptions"][0]["handled"], lines(folder.read("out.ndjson"))) << policy;
    EXPECT_TRUE(policy != "block" || report["ledger"]["handled"] == 20'000);
  }
}

// Claim:  bench measures each of its parts on any machine, and writes what it prints.
// Method: one run of each; names and units, never values.
TEST(Bench, WritesEveryMeasurement) {
  const Folder folder;
  const Outcome run = run_program({"bench", "--runs", "1", "--json", folder.path("b.json")});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json report = json::parse(folder.read("b.json"));
  EXPECT_EQ(report["one_way_ns"].size(), report["cpus"].size());
  std::string names;
  for (const json& row : report["rows"]) names += row["name"].get<std::string>() + " ";
  for (const char* name :
       {"lane.8b.batch1 ", "lane.1024b.batch16 ", "dispatch.64b.single ", "dispatch.8b.batch256 ",
        "latency.awake.p50 ", "idle.adaptive ", "wake.park.p99 ", "wake.bare_futex.p50 "}) {
    EXPECT_NE(names.find(name), std::string::npos) << name;
    EXPECT_NE(run.out.find(std::string(name)), std::string::npos) << name;
  }
}

// Claim:  the options are explained, and a wrong one is refused with exit code 2.
// Method: the usual suspects.
TEST(Program, ExplainsItself) {
  EXPECT_NE(run_program({"--help"}).out.find("run"), std::string::npos);
  EXPECT_TRUE(run_program({"--version"}).out.starts_with("headrace "));
  EXPECT_EQ(run_program({}).exit_code, 2);
  EXPECT_EQ(run_program({"run"}).exit_code, 2);
  EXPECT_EQ(run_program({"run", "x.toml", "--sped", "1"}).exit_code, 2);
}

// Claim:  a subscription stores its events, each topic as a stream; those of one identity and topic once, however often
//         they are read; a store that cannot be opened is said.
// Method: two runs over one input with a copy in it; a file that is no store.
TEST(Run, StoresEventsOnce) {
  const Folder folder;
  folder.write("in.csv", "id,v\n1,a\n2,b\n1,a\n1,c\n");
  const auto file =
      folder.write("c.toml", config("path = \"in.csv\"", "store = \"out/s.db\"\nidentity = \"{v}\""));
  for (int times = 0; times < 2; ++times) {
    const Outcome run = run_program({"run", file});
    if (run.err.find("without event stores") != std::string::npos) GTEST_SKIP() << run.err;
    EXPECT_EQ(run.exit_code, 0) << run.err;
    const Outcome streams = run_program({"events", "streams", folder.path("out/s.db"), "--json"});
    EXPECT_EQ(lines(streams.out), 2U) << streams.out;
    EXPECT_NE(streams.out.find("\"t/1\""), std::string::npos) << streams.out;
    const Outcome read = run_program({"events", "read", folder.path("out/s.db"), "--json"});
    EXPECT_EQ(lines(read.out), 3U) << read.out;
    EXPECT_EQ(json::parse(read.out.substr(0, read.out.find('\n')))["body"], (json{{"id", 1}, {"v", "a"}}));
  }
  folder.write("bad.db", std::string(5000, 'x'));
  const auto bad = folder.write("d.toml", config("path = \"in.csv\"", "store = \"bad.db\""));
  EXPECT_EQ(run_program({"run", bad}).exit_code, 1);
  const auto alone = folder.write("e.toml", config("path = \"in.csv\"", "identity = \"{v}\""));
  EXPECT_EQ(run_program({"run", alone}).exit_code, 2);
}

// Claim:  --graph draws what a run published to whom, in the form that the file's name says, what subscriptions forward
//         too; a file that cannot be written is said.
// Method: a subscription that forwards to a topic that nobody wants; Mermaid; a folder that is not there.
TEST(Run, GraphIsDrawn) {
  const Folder folder;
  folder.write("in.csv", "id,v\n1,a\n1,b\n");
  const auto file = folder.write("c.toml", config("path = \"in.csv\"", "forward = \"big/{v}\""));
  const Outcome run = run_program({"run", file, "--quiet", "--graph", folder.path("flow.mmd")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string drawn = folder.read("flow.mmd");
  EXPECT_EQ(drawn.find("flowchart LR\n"), 0U) << drawn;
  for (const char* part : {"in.csv\")", "t0([\"t/1<br/>2\"])", "\"big/a<br/>1\"]):::lone", "p0 -- \"2\" --> t0",
                           "s0 -- \"1\" --> t1", "t0 --> s0"}) {
    EXPECT_NE(drawn.find(part), std::string::npos) << part << " in " << drawn;
  }
  const Outcome nowhere = run_program({"run", file, "--quiet", "--graph", folder.path("gone/flow.dot")});
  EXPECT_EQ(nowhere.exit_code, 0);
  EXPECT_NE(nowhere.err.find("cannot write: No such file"), std::string::npos) << nowhere.err;
}

}  // namespace
}  // namespace headrace::program
