#include <signal.h>

#include <string>

#include "gateway_world.hpp"
#include "http.hpp"

namespace headrace::program {
namespace {

struct GatewayDedupRun : GatewayWorld {
  std::string on_redis() const { return "[dedup]\nurl = \"" + server.url() + "\"\n"; }

  /// A message, and in the next life of the gateway its copy and another one.
  void tells_copies_apart(const std::string& dedup) {
    const auto source = listen();
    {
      Program gateway({"run", config({.more = dedup})});
      send(1, "placed");
      got.await_different(1);
      gateway.signal(SIGTERM);
      EXPECT_EQ(gateway.wait().exit_code, 0);
    }
    send(1, "placed");
    send(2, "placed");
    Program gateway({"run", config({.more = dedup})});
    got.await_different(2);
    gateway.signal(SIGTERM);
    const Outcome outcome = gateway.wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(got.kept(), 2U);
    EXPECT_NE(outcome.out.find("source in: received 2, published 1, copies 1,"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("dedup of in: up"), std::string::npos) << outcome.out;
  }
};

// Claim:  a gateway that remembers in a SQLite file knows a copy of what it passed on before it was started again.
// Method: the built program, twice.
TEST_F(GatewayDedupRun, KnowsCopiesAfterARestartByAFile) { tells_copies_apart("[dedup]\nfile = \"seen.db\"\n"); }

// Claim:  and so does one that remembers in Redis.
// Method: the same.
TEST_F(GatewayDedupRun, KnowsCopiesAfterARestartByRedis) { tells_copies_apart(on_redis()); }

// Claim:  what was under way when a gateway was killed is passed on by the next one, which does not wait for the claims of
//         the first to run out.
// Method: a gateway whose sink's broker is away has claimed a message, for a day, when it is killed.
TEST_F(GatewayDedupRun, KilledGatewaysMessagesArePassedOn) {
  const std::uint16_t port = test::free_port();
  const std::string more = "[dedup]\nfile = \"seen.db\"\nclaim = \"1440 min\"\n[metrics]\nlisten = \"127.0.0.1:" +
                           std::to_string(port) + "\"\n";
  send(1, "placed");
  {
    Program gateway({"run", config({.sink_url = "redis://127.0.0.1:1", .more = more})});
    EXPECT_NE(gateway.wait_for_output_line("source in: up"), "");
    std::string text;
    while (text.find("headrace_route_sent_total{route=\"placed\"} 1") == std::string::npos) {
      text = test::http(port, "/metrics").body;
    }
    gateway.signal(SIGKILL);
    EXPECT_NE(gateway.wait().exit_code, 0);
  }
  const auto source = listen();
  Program gateway({"run", config({.more = more})});
  got.await_different(1);
}

// Claim:  while the place where copies are remembered is away nothing is passed on, and it is said where one asks how the
//         gateway stands; afterwards everything is.
// Method: a Redis of its own that is stopped while a message comes.
TEST_F(GatewayDedupRun, WaitsForItsMemory) {
  test::RedisServer memory;
  const std::uint16_t port = test::free_port();
  const auto source = listen();
  Program gateway(
      {"run", config({.more = "[dedup]\nurl = \"" + memory.url() +
                              "\"\n[metrics]\nlisten = \"127.0.0.1:" + std::to_string(port) + "\"\n"})});
  send(1, "placed");
  got.await_different(1);
  EXPECT_NE(gateway.wait_for_output_line("dedup of in: up"), "");
  memory.stop(SIGKILL);
  send(2, "placed");
  EXPECT_NE(gateway.wait_for_output_line("dedup of in: down: redis 127.0.0.1:"), "");
  EXPECT_NE(test::http(port, "/metrics").body.find("{adapter=\"dedup of in\",state=\"down\"} 1\n"),
            std::string::npos);
  EXPECT_EQ(got.kept(), 1U);
  memory.start();
  got.await_different(2);
  gateway.signal(SIGTERM);
  EXPECT_EQ(gateway.wait().exit_code, 0);
}

// Claim:  a file that cannot be opened ends the gateway with the reason.
// Method: one in a folder that does not exist.
TEST_F(GatewayDedupRun, FileThatCannotBeOpenedIsSaid) {
  const Outcome outcome = run_program({"run", config({.more = "[dedup]\nfile = \"nowhere/seen.db\"\n"})});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.out;
  EXPECT_NE(outcome.err.find("nowhere/seen.db"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace headrace::program
