#include <signal.h>

#include <set>
#include <string>

#include "gateway_world.hpp"
#include "http.hpp"

namespace headrace::program {
namespace {

struct GatewayLife : GatewayWorld {
  /// A broker that refuses us for good: it has no passwords, and is offered one.
  std::string refusing() const { return "redis://plant:canary@127.0.0.1:" + std::to_string(server.port()); }
};

// Claim:  a gateway whose end was refused for good ends, with a non-zero exit code and the reason; it does not wait
//         for what that end will never confirm, and leaves it with its broker.
// Method: a sink whose credentials are refused, with a message on its way; a second gateway then delivers it.
TEST_F(GatewayLife, EndThatGaveUpEndsIt) {
  send(1, "placed");
  confirms.await(1);
  {
    Program gateway({"run", config({.sink_url = refusing()})});
    const Outcome outcome = gateway.wait();
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.err.find("headrace: sink out: gave up: "), std::string::npos) << outcome.err;
    EXPECT_EQ((outcome.err + outcome.out).find("canary"), std::string::npos);
  }
  const auto source = listen();
  send(2, "placed");
  Program gateway({"run", config()});
  got.await_different(2);
  gateway.signal(SIGTERM);
  EXPECT_EQ(gateway.wait().exit_code, 0);
}

// Claim:  a gateway that is told to goes on without an end that gave up, and its health check says so.
// Method: the same refused sink; /healthz answers 503 with the reason, and a signal ends the gateway as usual.
TEST_F(GatewayLife, GoesOnWithoutAnEndWhenToldTo) {
  const std::uint16_t port = test::free_port();
  const std::string more =
      "[gateway]\ngave_up = \"go_on\"\n[metrics]\nlisten = \"127.0.0.1:" + std::to_string(port) +
      "\"\n[bus]\nstop_deadline = \"1 s\"\n";
  Program gateway({"run", config({.sink_url = refusing(), .more = more})});
  EXPECT_NE(gateway.wait_for_output_line("sink out: gave up"), "");
  const test::HttpAnswer health = test::http(port, "/healthz");
  EXPECT_EQ(health.code, 503);
  EXPECT_NE(health.body.find("sink out: gave up: "), std::string::npos) << health.body;
  gateway.signal(SIGTERM);
  EXPECT_EQ(gateway.wait().exit_code, 0);
}

// Claim:  an end whose broker is away for longer than it may be is down, in words, in the metrics and in the health check,
//         which is no reason to restart; the gateway goes on trying, and nothing is lost.
// Method: the broker of both ends stops, with a message in it, and starts again.
TEST_F(GatewayLife, EndWhoseBrokerIsAwayIsDown) {
  const std::uint16_t port = test::free_port();
  Program gateway({"run", config({.end = "down_after = \"1 ms\"\n",
                                  .more = "[metrics]\nlisten = \"127.0.0.1:" + std::to_string(port) + "\"\n"})});
  for (const char* up : {"sink out: up", "source in: up"}) EXPECT_NE(gateway.wait_for_output_line(up), "");
  send(1, "paid");
  confirms.await(1);
  server.stop(SIGKILL);
  for (const char* down : {"sink out: down: ", "source in: down: "})
    EXPECT_NE(gateway.wait_for_output_line(down), "");
  EXPECT_NE(test::http(port, "/metrics").body.find("{adapter=\"source in\",state=\"down\"} 1\n"),
            std::string::npos);
  EXPECT_EQ(test::http(port, "/healthz").code, 200);
  server.start();
  const auto source = listen();
  send(2, "placed");
  got.await_different(1);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_GT(outcome.out.rfind("sink out: up"), outcome.out.find("sink out: down: ")) << outcome.out;
}

// Claim:  a gateway serves what it counts, by source and by route, and that all is well.
// Method: three messages, one of which its route does not want.
TEST_F(GatewayLife, ServesMetrics) {
  const std::uint16_t port = test::free_port();
  const auto source = listen();
  Program gateway({"run", config({.more = "[metrics]\nlisten = \"127.0.0.1:" + std::to_string(port) + "\"\n"})});
  EXPECT_NE(gateway.wait_for_output_line("sink out: up"), "");
  send(1, "paid");
  send(2, "placed");
  send(3, "placed");
  got.await_different(2);
  std::string text;
  while (text.find("headrace_route_confirmed_total{route=\"placed\"} 2") == std::string::npos) {
    const test::HttpAnswer answer = test::http(port, "/metrics");
    ASSERT_EQ(answer.code, 200);
    text = answer.body;
  }
  for (const std::string_view line :
       {"headrace_source_received_total{source=\"in\"} 3\n", "headrace_route_filtered_total{route=\"placed\"} 1\n",
        "headrace_adapter_state{adapter=\"sink out\",state=\"up\"} 1\n",
        "headrace_subscription_handled_total{subscription=\"placed\",group=\"placed\",filter=\"shop.#\"} 3\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_EQ(test::http(port, "/healthz").code, 200);
}

// Claim:  SIGHUP exchanges the routes of a running gateway; nothing is lost and nothing doubled on the way.
// Method: messages before, around and after the signal; each arrives at the old place or at the new one.
TEST_F(GatewayLife, HangupExchangesRoutes) {
  const auto at_old = listen("out/orders");
  const auto at_new = listen("new/orders");
  Program gateway({"run", config()});
  for (int i = 0; i < 200; ++i) send(i, "placed");
  got.await_different(1);
  config({.outside = "new/#"});
  gateway.signal(SIGHUP);
  for (int i = 200; i < 400; ++i) send(i, "placed");
  EXPECT_NE(gateway.wait_for_output_line("reload: 1 routes"), "");
  send(400, "placed");
  got.await_different(401);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(got.kept(), 401U);
  bool moved = false;
  for (const auto& each : got.take()) moved = moved || each.message.topic == "new/orders";
  EXPECT_TRUE(moved);
}

// Claim:  a config that is not sound, or that changes more than routes, is refused with its errors by line, and the
//         old routes run on.
// Method: three such configs; a message after each.
TEST_F(GatewayLife, UnsoundConfigIsRefused) {
  const auto source = listen();
  const std::string file = config();
  Program gateway({"run", file});
  send(1, "placed");
  got.await_different(1);
  const auto refused = [&](std::string_view says) {
    gateway.signal(SIGHUP);
    EXPECT_NE(gateway.wait_for_output_line(says), "") << says;
  };
  config({.more = "[[route]]\nname = \"second\"\nfilter = \"shop.#\"\nto = \"nowhere\"\n"});
  refused("reload: refused; the old routes stay");
  EXPECT_NE(gateway.wait_for_error_line("gateway.toml:22:"), "");
  send(2, "placed");
  got.await_different(2);
  config({.sink_url = "redis://127.0.0.1:1"});
  refused("more than the routes has changed");
  folder.write("gateway.toml", "[[route");
  refused("reload: refused; the old routes stay");
  EXPECT_NE(gateway.wait_for_error_line("not TOML"), "");
  send(3, "placed");
  got.await_different(3);
  EXPECT_EQ(got.kept(), 3U);
}

// Claim:  a route can take what the adapters' states become, as events.
// Method: one for `$headrace/adapters/#`; the sink's own connection arrives through it.
TEST_F(GatewayLife, StatesOfAdaptersAreEvents) {
  const auto source = listen("states/sink_out");
  Program gateway(
      {"run", config({.more = "[[route]]\nname = \"states\"\nfilter = \"$headrace/adapters/#\"\n"
                              "to = \"out\"\ntopics = [[\"states/#\", \"$headrace/adapters/#\"]]\n"})});
  const std::string up = R"({"adapter":"sink out","state":"up","reason":"","connections":1})";
  got.await_different(2);
  EXPECT_TRUE(got.bodies().contains(up)) << *got.bodies().rbegin();
}

// Claim:  a message gets what a table knows of its key before conditions are looked at; a table that has changed is read
//         again on SIGHUP, and its fields are there for what comes next.
// Method: a route for one site's messages with a table; the site of the other device changes.
TEST_F(GatewayLife, TablesEnrichBodiesAndAreReadAgain) {
  const auto source = listen("north/orders");
  folder.write("devices.csv", "device,site\n1,north\n2,south\n");
  const std::string north =
      "[[route]]\nname = \"north\"\nfilter = \"shop.#\"\nto = \"out\"\n"
      "enrich = { by = \"device\", table = \"devices.csv\" }\nwhere = \"site == 'north'\"\n"
      "topics = [[\"north/#\", \"shop.#\"]]\n";
  Program gateway({"run", config({.more = north})});
  EXPECT_NE(gateway.wait_for_output_line("sink out: up"), "");
  send_body(R"({"device":2})");
  send_body(R"({"device":1})");
  got.await_different(1);
  EXPECT_TRUE(got.bodies().contains(R"({"device":1,"site":"north"})")) << *got.bodies().begin();
  folder.write("devices.csv", "device,site\n1,north\n2,north\n");
  gateway.signal(SIGHUP);
  EXPECT_NE(gateway.wait_for_output_line("reload: 2 routes"), "");
  send_body(R"({"device":2})");
  got.await_different(2);
  EXPECT_TRUE(got.bodies().contains(R"({"device":2,"site":"north"})"));
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("route north: sent 2, confirmed 2, filtered 1,"), std::string::npos) << outcome.out;
  EXPECT_EQ(got.kept(), 2U);
}

// Claim:  a route of alerts tells when a number passes its limit and when that is over, by the route of its topic, and
//         nothing in between.
// Method: readings of a device that wavers around the limit, and falls at last.
TEST_F(GatewayLife, LimitsRaiseAlerts) {
  const auto source = listen("alerts/hot");
  const std::string hot =
      "[[route]]\nname = \"hot\"\nfilter = \"shop.#\"\n"
      "alert = { field = \"temp\", above = 80, until = 75, by = \"device\", topic = \"alerts.hot\" }\n"
      "[[route]]\nname = \"alerts\"\nfilter = \"alerts.#\"\nto = \"out\"\ntopics = [[\"alerts/#\", "
      "\"alerts.#\"]]\n";
  Program gateway({"run", config({.more = hot})});
  for (const int temp : {20, 80, 79, 81, 76, 75, 70}) {
    send_body("{\"device\": \"d\", \"temp\": " + std::to_string(temp) + "}");
  }
  got.await_different(2);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto told = [](std::string_view state, int value) {
    return R"({"alert":"hot","state":")" + std::string(state) + R"(","of":"d","field":"temp","value":)" +
           std::to_string(value) + R"(,"limit":80,"topic":"shop.orders"})";
  };
  EXPECT_EQ(got.bodies(), (std::set<std::string>{told("raised", 80), told("over", 75)})) << *got.bodies().begin();
  EXPECT_NE(outcome.out.find("route hot: sent 2, confirmed 2, filtered 5,"), std::string::npos) << outcome.out;
}

// Claim:  a config of a gateway without routes is told so, and not that it is no replay.
// Method: a config with a source and a sink.
TEST_F(GatewayLife, RoutesMayNotBeMissing) {
  const Outcome outcome =
      run_program({"check", folder.write("none.toml",
                                         "[[source]]\nname = \"in\"\nkind = \"redis\"\nurl = \"redis://h\"\n"
                                         "stream = \"s\"\n[[sink]]\nname = \"out\"\nkind = \"redis\"\n"
                                         "url = \"redis://h\"\n")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("at least one table [[route]]"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace headrace::program
