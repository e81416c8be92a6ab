#include <signal.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway_world.hpp"

namespace headrace::program {
namespace {

constexpr std::string_view kClaim = "text/x-headrace-claim";

/// A JSON object of so many bytes or a few more.
std::string large(int number, std::size_t bytes = 10'000) {
  return "{\"number\":" + std::to_string(number) + ",\"picture\":\"" + std::string(bytes, 'x') + "\"}";
}

/// A gateway that leaves large content in a folder, and one that fetches it: orders → out → back.
struct GatewayClaims : GatewayWorld {
  std::string end(std::string_view kind, std::string_view name, std::string_view keys) const {
    return "[[" + std::string(kind) + "]]\nname = \"" + std::string(name) + "\"\nkind = \"redis\"\nurl = \"" +
           server.url() + "\"\n" + std::string(keys);
  }
  std::string leaving(std::string_view claims) {
    return folder.write("leaving.toml", end("source", "in", "stream = \"orders\"\n") +
                                            end("sink", "out", "claims = " + std::string(claims) + "\n") +
                                            "[[route]]\nname = \"large\"\nfilter = \"orders\"\nto = \"out\"\n"
                                            "topics = [[\"out\", \"orders\"]]\n");
  }
  std::string fetching() {
    return folder.write("fetching.toml",
                        end("source", "in", "stream = \"out\"\nclaims = { folder = \"blobs\" }\n") +
                            end("sink", "out", "") +
                            "[[route]]\nname = \"odd\"\nfilter = \"out\"\nto = \"out\"\n"
                            "where = \"number == 1 or number == 3\"\ntopics = [[\"back\", \"out\"]]\n");
  }
  void send_json(std::string_view id, const std::string& body) {
    Message message = test::message_of("orders", body);
    message.content_type = "application/json";
    message.headers = {{"id", std::string(id)}};
    send(std::move(message));
  }
  /// Beside the gateways.
  std::unique_ptr<redis::RedisSource> collect(std::string stream, test::Collector& into) const {
    redis::RedisSourceOptions listening;
    listening.server = options();
    listening.stream = std::move(stream);
    listening.group = "test";
    listening.consumer = "test";
    auto source = std::make_unique<redis::RedisSource>(std::move(listening));
    EXPECT_TRUE(source->start(into.settle(Settlement::done)));
    return source;
  }
  static std::string reason_of(test::Collector& rejected) {
    const auto letters = rejected.take();
    for (const auto& [name, value] : letters.front().message.headers) {
      if (name == "redis-rejected-reason") return value;
    }
    return {};
  }
  std::vector<std::filesystem::path> blobs() const {
    std::vector<std::filesystem::path> found;
    for (const auto& file : std::filesystem::directory_iterator(folder.path("blobs")))
      found.push_back(file.path());
    return found;
  }
};

// Claim:  a sink with claims sends a reference in the place of what is larger than it lets travel, one blob however often
//         a message is sent; a source with claims gives its routes the content, so that conditions see its fields; what
//         comes out at the far end is what went in.
// Method: a small message and two large ones through two gateways, of which the far one wants one each; one of the large
//         ones a second time, and what stands in the stream between.
TEST_F(GatewayClaims, LargeContentStaysInAFolder) {
  const std::string leave = leaving("{ folder = \"blobs\", over = \"1 KiB\", identity = \"id\" }");
  test::Collector between;
  const auto looks = collect("out", between);
  const auto back = listen("back");
  Program first({"run", leave});
  Program second({"run", fetching()});
  send_json("1", large(1));
  send_json("2", large(2));
  send_json("3", "{\"number\":3}");
  send_json("1", large(1));
  between.await(4);
  got.await(3);
  for (Program* gateway : {&first, &second}) {
    gateway->signal(SIGTERM);
    const Outcome outcome = gateway->wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  for (const ReceivedMessage& travelled : between.take()) {
    const bool small = test::body_text(travelled.message) == "{\"number\":3}";
    EXPECT_EQ(travelled.message.content_type, small ? "application/json" : kClaim);
    EXPECT_LT(travelled.message.body.size(), 200U);
  }
  EXPECT_EQ(blobs().size(), 2U);
  EXPECT_EQ(got.bodies(), (std::set<std::string>{large(1), "{\"number\":3}"}));
  for (const ReceivedMessage& arrived : got.take()) {
    EXPECT_EQ(arrived.message.content_type, "application/json");
  }
}

// Claim:  content over bytes_max is rejected by the sink that would leave it, a claim whose blob is gone by the source
//         that would fetch it, with reasons; both go on with what comes next.
// Method: a body over the limit; a large one whose blob is removed before it is fetched; then a small one.
TEST_F(GatewayClaims, WhatCannotBeFetchedIsRejected) {
  const auto dead = listen("orders.dead");
  test::Collector lost;
  const auto lost_source = collect("out.dead", lost);
  test::Collector between;
  const auto looks = collect("out", between);
  Program first({"run", leaving("{ folder = \"blobs\", over = 100, bytes_max = \"20 KiB\" }")});
  send_json("1", large(1, 30'000));
  send_json("2", large(1));
  got.await(1);
  EXPECT_NE(reason_of(got).find("at most 20480 are allowed"), std::string::npos);
  between.await(1);
  ASSERT_EQ(blobs().size(), 1U);
  const std::string blob = blobs().front().filename().string();
  std::filesystem::remove(blobs().front());
  const auto back = listen("back");
  Program second({"run", fetching()});
  send_json("3", "{\"number\":3}");
  lost.await(1);
  EXPECT_NE(reason_of(lost).find(blob), std::string::npos);
  got.await_different(2);
  for (Program* gateway : {&first, &second}) {
    gateway->signal(SIGTERM);
    EXPECT_EQ(gateway->wait().exit_code, 0);
  }
}

// Claim:  a folder that cannot be used ends the gateway with the reason, before it takes a message.
// Method: a file in its place.
TEST_F(GatewayClaims, FolderThatCannotBeUsedEndsIt) {
  static_cast<void>(folder.write("blobs", "no folder"));
  const Outcome outcome = run_program({"run", leaving("{ folder = \"blobs\" }")});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find(folder.path("blobs")), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace headrace::program
