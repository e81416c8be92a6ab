#include "config.hpp"

#include <gtest/gtest.h>

namespace headrace::program {
namespace {

constexpr std::string_view kGood = R"([source]
path = "quakes.csv"
[event]
topic = "usgs/{net}/quake"
time = "time"
speed = 3600
[bus]
workers = 2
lane_bytes = "64 KiB"
[[subscription]]
name = "strong"
filter = "usgs/+/quake"
where = "mag >= 4.5"
overflow = "block"
block_deadline = "2 s"
write = "out/strong.ndjson"
alert = { when = "mag >= 6", message = "M{mag}" }
)";

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string first_problem(const std::string& text) {
  const auto outcome = parse_config(text, "conf/q.toml");
  return outcome.problems.empty() ? "" : outcome.problems.front().message();
}

// Claim:  no file plays two parts: what is read is not written over, by its own name or another.
// Method: each part's file given to another one; one output of two subscriptions, and a device, are fine.
TEST(Config, EachFileHasOnePart) {
  const auto problem = [](std::string_view from, std::string_view to) {
    return first_problem(replaced(from, to));
  };
  const std::string wrote = problem("out/strong.ndjson", "out/../quakes.csv");
  EXPECT_NE(wrote.find("conf/q.toml:16"), std::string::npos) << wrote;
  EXPECT_NE(wrote.find("what is read"), std::string::npos) << wrote;
  const auto rejects_to = [&](const std::string& path) {
    return problem("[source]", "rejects = \"" + path + "\"\n[source]");
  };
  EXPECT_NE(rejects_to("quakes.csv").find("what is read"), std::string::npos);
  EXPECT_NE(rejects_to("q.toml").find("this config"), std::string::npos);
  EXPECT_NE(rejects_to("out/strong.ndjson").find("where rejects go"), std::string::npos);
  EXPECT_EQ(rejects_to("/dev/null"), "");
  EXPECT_NE(problem("quakes.csv\"", "q.rejects.ndjson\"\nformat = \"ndjson\"").find("usual one"),
            std::string::npos);
  EXPECT_NE(problem("alert =", "store = \"quakes.csv\"\nalert =").find("what is read"), std::string::npos);
}

// Claim:  a config is read in full; relative paths resolve against its folder, outputs against the output folder.
// Method: the config above, both ways.
TEST(Config, ReadsAllSections) {
  const auto [config, problems] = parse_config(kGood, "conf/q.toml");
  ASSERT_TRUE(problems.empty()) << problems.front().message();
  EXPECT_EQ(config.source.path, "conf/quakes.csv");
  EXPECT_EQ(config.source.format, SourceConfig::Format::csv);
  EXPECT_EQ(config.event.speed, 3600);
  EXPECT_EQ(config.bus.workers, 2U);
  EXPECT_EQ(config.bus.lane_bytes, 65536U);
  EXPECT_EQ(config.rejects, "conf/q.rejects.ndjson");
  ASSERT_EQ(config.subscriptions.size(), 1U);
  const SubscriptionConfig& strong = config.subscriptions.front();
  EXPECT_EQ(strong.group, "strong");
  EXPECT_EQ(strong.overflow.deadline, std::chrono::seconds(2));
  EXPECT_EQ(*strong.write, "conf/out/strong.ndjson");
  EXPECT_TRUE(strong.where && strong.alert && strong.alert->when);

  const auto elsewhere = parse_config(kGood, "conf/q.toml", "/elsewhere").config;
  EXPECT_EQ(elsewhere.source.path, "conf/quakes.csv");
  EXPECT_EQ(*elsewhere.subscriptions.front().write, "/elsewhere/out/strong.ndjson");
}

// Claim:  a mistake names file, line, column and key, shows the line, and suggests the word that was meant.
// Method: a misspelt key.
TEST(Config, UnknownKeyIsShownWithASuggestion) {
  EXPECT_EQ(first_problem(replaced("filter =", "fliter =")),
            "conf/q.toml:10:1: subscription[1].filter: missing: which topics to take, such as \"usgs/+/quake\" or "
            "\"#\"\n"
            "  [[subscription]]\n"
            "  ^");
  EXPECT_EQ(first_problem(replaced("workers = 2", "worker = 2")),
            "conf/q.toml:8:1: bus.worker: unknown key; did you mean 'workers'?\n"
            "  worker = 2\n"
            "  ^");
}

// Claim:  a mistake inside a condition or a template is shown at its own column of the file.
// Method: a condition that stops short, a brace that never closes, a filter with a misplaced wildcard.
TEST(Config, MistakesInsideTextsAreShownInPlace) {
  EXPECT_EQ(first_problem(replaced("mag >= 4.5", "mag >= ")),
            "conf/q.toml:13:17: subscription[1].where: expected a field, a number or a text to compare with\n"
            "  where = \"mag >= \"\n"
            "                  ^");
  EXPECT_TRUE(first_problem(replaced("{net}/quake", "{net/quake")).starts_with("conf/q.toml:4:15: event.topic: "));
  EXPECT_TRUE(first_problem(replaced("usgs/+/quake", "usgs/#/quake")).starts_with("conf/q.toml:12:"));
}

// Claim:  each wrong value is refused with the key it belongs to.
// Method: a table of replacements, one for each rule.
TEST(Config, WrongValuesAreRefusedWithTheirKey) {
  struct Case {
    std::string from, to, key;
  };
  const Case cases[] = {
      {"path = \"quakes.csv\"", "path = 5", "source.path"},
      {"path = \"quakes.csv\"", "path = \"quakes\"", "source.format"},
      {"path = \"quakes.csv\"", "kind = \"flie\"", "source.kind"},
      {"path = \"quakes.csv\"", "kind = \"tcp\"\nformat = \"csv\"\nlisten = \"0.0.0.0:1\"", "source.listen"},
      {"path = \"quakes.csv\"", "kind = \"tcp\"\nformat = \"csv\"", "source.listen"},
      {"path = \"quakes.csv\"", "path = \"q.csv\"\ndelimiter = \",,\"", "source.delimiter"},
      {"speed = 3600", "speed = -1", "event.speed"},
      {"time = \"time\"\n", "", "event.speed"},
      {"speed = 3600", "time_format = \"%Q\"", "event.time_format"},
      {"workers = 2", "workers = 0", "bus.workers"},
      {"workers = 2", "workers = 2\npin = [0]", "bus.pin"},
      {"workers = 2", "wait = \"sleep\"", "bus.wait"},
      {"\"64 KiB\"", "\"64 parsecs\"", "bus.lane_bytes"},
      {"\"2 s\"", "\"2\"", "subscription[1].block_deadline"},
      {"overflow = \"block\"", "overflow = \"fail\"", "subscription[1].block_deadline"},
      {"overflow = \"block\"\nblock_deadline = \"2 s\"", "placement = \"balanced\"\nworker = 1",
       "subscription[1].worker"},
      {"overflow = \"block\"\nblock_deadline = \"2 s\"", "placement = \"sharded\"", "subscription[1].placement"},
      {"strong.ndjson", "strong.txt", "subscription[1].write"},
      {", message = \"M{mag}\"", "", "subscription[1].alert.message"},
      {"[[subscription]]", "[subscription]", "subscription"},
      {"[event]", "[evnt]", "event"},
  };
  for (const auto& [from, to, key] : cases) {
    const auto outcome = parse_config(replaced(from, to), "q.toml");
    bool found = false;
    for (const ConfigProblem& problem : outcome.problems) {
      found = found || problem.key == key;
      EXPECT_GT(problem.line, 0U) << problem.message();
    }
    EXPECT_TRUE(found) << to << " did not complain of " << key;
  }
}

// Claim:  text that is not TOML, and a file that is not there, are problems like any other.
// Method: one of each.
TEST(Config, BrokenAndMissingFilesAreProblems) {
  EXPECT_TRUE(first_problem("[source\n").starts_with("conf/q.toml:1:8: not TOML: "));
  const auto outcome = load_config("no/such/file.toml");
  ASSERT_EQ(outcome.problems.size(), 1U);
  EXPECT_EQ(outcome.problems.front().message(), "no/such/file.toml: no such file");
}

// Claim:  characters beyond ASCII may stand in strings and comments, and nowhere else: there the problem says where.
// Method: each kind of string, with marks of its own kind in it, and a comment with a mark; then keys, names and values.
TEST(Config, OnlyAsciiStandsOutsideOfStringsAndComments) {
  for (const std::string_view name :
       {R"("strøng")", R"("str\"øng")", R"('str"øng')", R"("""str"øng""""")", "\"\"\"str\nøng\"\"\"",
        R"('''strø'ng''')", R"("strong" # "ø)", R"("strong" # 'ø)"}) {
    EXPECT_EQ(first_problem(replaced(R"("strong")", name)), "") << name;
  }
  EXPECT_EQ(first_problem(replaced(R"(when = "mag >= 6", message = "M{mag}" })",
                                   R"(message = """M{mag}"""", when = "mag >= 6" } # "ø)")),
            "");
  EXPECT_EQ(first_problem("\xEF\xBB\xBF" + std::string(kGood)), "");
  const std::pair<std::string_view, std::string_view> outside[] = {
      {"\xEF\xBB\xBBrders = 1\n", "1:1"}, {"näme = 1", "1:2"},     {"\n[soürce]\n", "2:4"}, {"name = é", "1:8"},
      {"name = 'ø' ø", "1:12"},           {"# ø\nnäme = 1", "2:2"}};
  for (const auto& [text, position] : outside) {
    EXPECT_TRUE(first_problem(std::string(text))
                    .starts_with("conf/q.toml:" + std::string(position) + ": not TOML: only ASCII"))
        << first_problem(std::string(text));
  }
}

}  // namespace
}  // namespace headrace::program
