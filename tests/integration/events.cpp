#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "headrace/sqlite/event_store.hpp"
#include "program.hpp"

namespace headrace::program {
namespace {

using Json = nlohmann::json;

std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

constexpr std::string_view kOrders =
    R"({"stream":"order-1","topic":"orders.placed","key":"7","tags":["customer:7"],"body":{"cents":1999}}
{"stream":"order-2","topic":"orders.placed","tags":["customer:8"],"body":{"cents":5}}
{"stream":"order-1","topic":"orders.paid","tags":["customer:7"],"content_type":"text/plain","body":"by card"}
)";

class Events : public ::testing::Test {
 protected:
  Outcome events(std::vector<std::string> arguments, std::string_view input = {}) const {
    arguments.insert(arguments.begin(), "events");
    arguments.insert(arguments.begin() + 2, file_);
    return run_program(arguments, input);
  }
  void append(std::string_view lines) const { ASSERT_EQ(events({"append"}, lines).exit_code, 0); }

  Folder folder_;
  std::string file_ = folder_.path("events.db");
};

// Claim:  what is appended is read back: by stream, topic, tag, position, from the end, as text and as JSON.
TEST_F(Events, AppendedEventsAreReadBack) {
  append(kOrders);
  const auto all = lines_of(events({"read", "--json"}).out);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0]["body"]["cents"], 1999);
  EXPECT_EQ(all[0]["key"], "7");
  EXPECT_EQ(all[2]["body"], "by card");
  EXPECT_EQ(all[2]["version"], 2);
  const auto count = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "read");
    arguments.push_back("--json");
    return lines_of(events(arguments).out).size();
  };
  EXPECT_EQ(count({"--stream", "order-1"}), 2U);
  EXPECT_EQ(count({"--topic", "*.placed"}), 2U);
  EXPECT_EQ(count({"--tag", "customer:7", "--topic", "orders.paid"}), 1U);
  EXPECT_EQ(count({"--after", "1"}), 2U);
  EXPECT_EQ(count({"--limit", "2"}), 2U);
  EXPECT_EQ(lines_of(events({"read", "--json", "--backward", "--limit", "1"}).out)[0]["topic"], "orders.paid");
  EXPECT_NE(events({"read"}).out.find("order-1@2  orders.paid  #customer:7  \"by card\""), std::string::npos)
      << events({"read"}).out;
}

// Claim:  the output of read is input for append: a store can be carried over as text.
// Method: every event of one file into another, bytes that are no text among them.
TEST_F(Events, ReadPrintsWhatAppendTakes) {
  append(kOrders);
  append(
      R"({"stream":"raw","topic":"t","time":"2026-11-25T10:00:00.25Z","body_base64":"AP+A","headers":[["a","b"]],)"
      R"("correlation":"017f22e2-79b0-7cc3-98c4-dc0c0c07398f"})");
  const std::string text = events({"read", "--json"}).out;
  const std::string copy = folder_.path("copy.db");
  ASSERT_EQ(run_program({"events", "append", copy}, text).exit_code, 0);
  auto before = lines_of(text);
  auto after = lines_of(run_program({"events", "read", copy, "--json"}).out);
  for (auto* events : {&before, &after}) {
    for (Json& event : *events) event.erase("stored");
  }
  EXPECT_EQ(before, after);
  EXPECT_EQ(before[3]["time"], "2026-11-25T10:00:00.25Z");

  const auto again = lines_of(run_program({"events", "append", copy, "--json"}, text).out);
  ASSERT_EQ(again.size(), 4U);
  for (const Json& line : again) EXPECT_EQ(line["duplicate"], true);
}

// Claim:  streams lists names, versions and what truncation left.
TEST_F(Events, StreamsAreListed) {
  append(kOrders);
  const auto streams = lines_of(events({"streams", "--json"}).out);
  ASSERT_EQ(streams.size(), 2U);
  EXPECT_EQ(streams[0], Json::parse(R"({"stream":"order-1","version":2,"first":1})"));
  EXPECT_NE(events({"streams"}).out.find("order-2"), std::string::npos);
}

// Claim:  an append that conflicts, a bad line and a missing file are told with the line, and an exit code.
TEST_F(Events, MistakesAreTold) {
  EXPECT_EQ(events({"read"}).exit_code, 1);
  append(kOrders);
  const auto conflict =
      events({"append", "--expect", "none"}, R"({"stream":"order-1","topic":"orders.placed","body":1})");
  EXPECT_EQ(conflict.exit_code, 1);
  EXPECT_NE(conflict.err.find("line 1"), std::string::npos);
  EXPECT_NE(conflict.err.find("version 2"), std::string::npos) << conflict.err;
  const auto unknown = events({"append", "--stream", "s"}, "{\"topic\":\"t\"}\n{\"topik\":\"t\"}\n");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("line 2: \"topik\""), std::string::npos) << unknown.err;
  EXPECT_EQ(events({"read", "--topic", "a.+"}).exit_code, 2);
  EXPECT_EQ(events({"append", "--expect", "some"}).exit_code, 2);
}

// Claim:  a file can be read, checked, copied and appended to while another program has it open.
// Method: one program follows the store; the others come and go, and it shows what they append.
TEST_F(Events, WorksWhileOthersHaveTheFileOpen) {
  append(kOrders);
  Program follower({"events", "read", file_, "--follow", "--json", "--topic", "stock.#"});
  append(R"({"stream":"stock","topic":"stock.taken","body":7})");
  const std::string line = follower.wait_for_output_line("stock.taken");
  ASSERT_FALSE(line.empty());
  EXPECT_EQ(Json::parse(line)["body"], 7);
  const auto verdict = events({"verify", "--json"});
  EXPECT_EQ(verdict.exit_code, 0);
  EXPECT_EQ(Json::parse(verdict.out), Json::parse(R"({"streams":3,"events":4,"problems":[]})"));
  const std::string copy = folder_.path("copy.db");
  const auto backed_up = events({"backup", copy, "--json"});
  EXPECT_EQ(backed_up.exit_code, 0);
  EXPECT_EQ(Json::parse(backed_up.out), (Json{{"copy", copy}, {"events", 4}, {"whole", true}}));
  EXPECT_EQ(events({"backup", copy}).exit_code, 1) << "a copy is never written over";
  EXPECT_EQ(lines_of(run_program({"events", "read", copy, "--json"}).out).size(), 4U);
  follower.signal(SIGTERM);
  static_cast<void>(follower.wait());
}

// Claim:  retain removes the oldest events, by age, by size and by stream, keeps what a reader has not read and says
//         whose that is, and does so while a program has the file open.
// Method: nothing is old enough; then a size that nothing fits, with a checkpoint in the file, and without it.
TEST_F(Events, RetainRemovesTheOldest) {
  append(kOrders);
  Program follower({"events", "read", file_, "--follow", "--json"});
  ASSERT_FALSE(follower.wait_for_output_line("orders.paid").empty());
  EXPECT_EQ(events({"retain"}).exit_code, 2);
  EXPECT_EQ(events({"retain", "--older", "1week"}).exit_code, 2);
  EXPECT_EQ(Json::parse(events({"retain", "--older", "1h", "--json"}).out)["events"], 0);
  {
    auto store = SqliteEventStore::open({.file = file_});
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->checkpoints().save("mail", 1));
  }
  const auto kept = events({"retain", "--max-bytes", "1kb"});
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_EQ(kept.out.find("1 events removed; "), 0U) << kept.out;
  EXPECT_NE(kept.out.find("others are kept for 'mail', which has read up to 1\n"), std::string::npos) << kept.out;
  const Json all = Json::parse(
      events({"retain", "--max-bytes", "1kb", "--streams", "order-1", "--ignore-checkpoint", "mail", "--json"})
          .out);
  EXPECT_EQ(all["events"], 1);
  EXPECT_EQ(lines_of(events({"read", "--json"}).out).at(0)["stream"], "order-2");
  EXPECT_EQ(events({"verify"}).exit_code, 0);
  follower.signal(SIGTERM);
  static_cast<void>(follower.wait());
}

// Claim:  a flipped byte of an event is found, by verify and by whoever reads it.
// Method: change one letter of a body in the file.
TEST_F(Events, AFlippedByteIsFound) {
  append(R"({"stream":"s","topic":"t","body":"unmistakable"})");
  std::string bytes = folder_.read("events.db");
  const auto at = bytes.find("unmistakable");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 3] ^= 1;
  folder_.write("events.db", bytes);
  const auto verdict = events({"verify"});
  EXPECT_EQ(verdict.exit_code, 1);
  EXPECT_NE(verdict.out.find("position 1 is damaged"), std::string::npos) << verdict.out;
  const auto read = events({"read"});
  EXPECT_EQ(read.exit_code, 1);
  EXPECT_NE(read.err.find("position 1 is damaged"), std::string::npos) << read.err;
}

}  // namespace
}  // namespace headrace::program
