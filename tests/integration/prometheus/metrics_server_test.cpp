#include "headrace/prometheus/metrics_server.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "headrace/bus/bus.hpp"
#include "headrace/bus/metrics.hpp"
#include "http.hpp"
#include "sanitizer.hpp"
#include "server_process.hpp"

namespace headrace::prometheus {
namespace {

struct Reading {
  std::uint64_t value = 0;
};
HEADRACE_EVENT(Reading, "plant.reading", value)

/// Everything that can be told: a bus that did something, two ends, and a store of dead letters.
struct ToldWorld {
  Bus bus{{.workers = 0}};
  Subscription all =
      bus.subscribe<Reading>(SubscribeOptions{.group = "g", .name = "press \"7\""}, [](const Reading&) {});
  std::atomic<AdapterState> out{AdapterState::connecting};
  MetricsServer server{{.listen = "127.0.0.1:0"}, [this] { return metrics(); }, [this] { return ends(); }};

  ToldWorld() {
    bus.start();
    for (std::uint64_t i = 0; i < 42; ++i) EXPECT_TRUE(bus.publish(Reading{i}));
    while (bus.poll() != 0) {
    }
    EXPECT_TRUE(server.start());
  }
  std::vector<NamedHealth> ends() const {
    return {{"source in", {AdapterState::up, "", 1}}, {"sink out", {out.load(), "", 0}}};
  }
  std::vector<MetricFamily> metrics() {
    auto all_of_them = metrics_of(bus.snapshot());
    for (auto& more : {metrics_of(ends()), metrics_of("main", DeadLetterCounts{})}) {
      all_of_them.insert(all_of_them.end(), more.begin(), more.end());
    }
    return all_of_them;
  }
};

// Claim:  the metrics of bus, adapters and stores keep Prometheus's conventions in the eyes of its own tool.
// Method: `promtool check metrics` reads what the server answers, and is silent.
TEST(MetricsServers, PromtoolFindsNothing) {
  ToldWorld world;
  const test::HttpAnswer answer = test::http(world.server.port(), "/metrics");
  EXPECT_EQ(answer.code, 200);
  EXPECT_NE(answer.head.find("Content-Type: text/plain; version=0.0.4"), std::string::npos) << answer.head;
  test::ServerProcess tool;
  tool.write("metrics", answer.body);
  tool.start({"sh", "-c", "promtool check metrics < " + tool.path("metrics")});
  EXPECT_EQ(tool.await_end(), 0) << tool.log();
  EXPECT_EQ(tool.log(), "");
}

#if !HEADRACE_TEST_ASAN  // five seconds pass before Prometheus looks for its targets, and nothing else would show
// Claim:  a Prometheus scrapes the server: its own answer to a query is what the bus counted.
// Method: a Prometheus with this one target; its API is asked until it has the number.
TEST(MetricsServers, PrometheusScrapesIt) {
  ToldWorld world;
  test::ServerProcess prometheus;
  const std::uint16_t port = test::free_port();
  prometheus.write("prometheus.yml",
                   "global: {scrape_interval: 100ms, scrape_timeout: 100ms}\n"
                   "scrape_configs: [{job_name: headrace, static_configs: [{targets: "
                   "['127.0.0.1:" +
                       std::to_string(world.server.port()) + "']}]}]\n");
  prometheus.start({"prometheus", "--config.file=" + prometheus.path("prometheus.yml"),
                    "--storage.tsdb.path=" + prometheus.path("data"),
                    "--web.listen-address=127.0.0.1:" + std::to_string(port)});
  prometheus.await(port, "GET /-/ready HTTP/1.0\r\n\r\n", "HTTP/1.0 200");
  const std::string query = "/api/v1/query?query=headrace_subscription_handled_total";
  std::string body;
  while (body.find("\"42\"") == std::string::npos) {
    const test::HttpAnswer answer = test::http(port, query);
    ASSERT_EQ(answer.code, 200) << prometheus.log();
    body = answer.body;
  }
  EXPECT_NE(body.find("press \\\"7\\\""), std::string::npos) << body;
}
#endif

// Claim:  /healthz says 200 while every end is up or connecting, and 503 with the reason otherwise.
// Method: an end that is in each of the states.
TEST(MetricsServers, HealthIsThatOfTheEnds) {
  ToldWorld world;
  for (const AdapterState state : {AdapterState::idle, AdapterState::connecting, AdapterState::up,
                                   AdapterState::blocked, AdapterState::gave_up}) {
    world.out.store(state);
    const bool well = state == AdapterState::up || state == AdapterState::connecting;
    const test::HttpAnswer answer = test::http(world.server.port(), "/healthz");
    EXPECT_EQ(answer.code, well ? 200 : 503) << to_string(state);
    EXPECT_EQ(answer.body, "source in: up\nsink out: " + std::string(to_string(state)) + "\n");
  }
}

// Claim:  the server answers nothing but what it is for, to nobody who was sent here under another name.
// Method: another path, another method, HEAD, a foreign host.
TEST(MetricsServers, RefusesTheRest) {
  ToldWorld world;
  const std::uint16_t port = world.server.port();
  EXPECT_EQ(test::http(port, "/").code, 404);
  EXPECT_EQ(test::http(port, "/metrics/../etc/passwd").code, 404);
  EXPECT_EQ(test::http(port, "/metrics", "POST").code, 405);
  const test::HttpAnswer head = test::http(port, "/metrics", "HEAD");
  EXPECT_EQ(head.code, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(test::http(port, "/metrics", "GET", "evil.example").code, 403);
  EXPECT_EQ(test::http(port, "/metrics", "GET", "localhost:9464").code, 200);
}

// Claim:  an address that is taken, and one that is none, are errors of start(); a server starts again after stop().
// Method: the port of another server; then the same once that one has stopped.
TEST(MetricsServers, AddressesThatCannotServeAreErrors) {
  ToldWorld world;
  const std::string taken = "127.0.0.1:" + std::to_string(world.server.port());
  MetricsServer second({.listen = taken}, [] { return std::vector<MetricFamily>(); });
  const Status started = second.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find(taken), std::string::npos) << started.error().message();
  EXPECT_EQ(second.port(), 0);
  world.server.stop();
  EXPECT_TRUE(second.start());
  EXPECT_EQ(test::http(second.port(), "/healthz").body, "up\n");
  MetricsServer nowhere({.listen = "example.com:80"}, [] { return std::vector<MetricFamily>(); });
  EXPECT_FALSE(nowhere.start());
}

}  // namespace
}  // namespace headrace::prometheus
