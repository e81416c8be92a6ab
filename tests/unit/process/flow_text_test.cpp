#include "headrace/process/flow_text.hpp"

#include <gtest/gtest.h>

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

/// web and the handler of billing publish; billing gets the orders, nobody the payments; idle waits in vain.
EventFlow shop_flow() {
  EventFlow flow;
  flow.counted = true;
  flow.publishers = {"web \"2\""};
  flow.topics = {{"orders.placed", 30}, {"payments.taken", 25}};
  flow.subscribers = {{"billing", "billing", "orders.#", 28, 2, 0}, {"idle", "#4", "mail.sent", 0, 0, 0}};
  flow.publications = {{EventFlow::By::publisher, 0, 0, 30}, {EventFlow::By::handler, 0, 1, 25}};
  flow.deliveries = {{0, 0}};
  return flow;
}

// Claim:  people read each topic with who publishes to it and who gets it, and then what became of it.
TEST(FlowText, IsReadable) {
  EXPECT_EQ(to_text(shop_flow()),
            "event flow since the start\n"
            "orders.placed  30\n"
            "  from web \"2\" 30\n"
            "  to billing\n"
            "payments.taken  25\n"
            "  from billing 25\n"
            "  to nobody\n"
            "subscriptions\n"
            "  billing  orders.#  28 handled, 2 failed\n"
            "  idle  mail.sent  0 handled\n");
}

// Claim:  a difference of two graphs says how often a second.
TEST(FlowText, SaysRates) {
  EventFlow flow = shop_flow();
  flow.over = 4s;
  flow.topics_left_out = 1;
  const std::string text = to_text(flow);
  EXPECT_EQ(text.find("event flow over 4.0 s\norders.placed  7.5/s\n  from web \"2\" 7.5/s\n"), 0U) << text;
  EXPECT_NE(text.find("\n1 more topic\n"), std::string::npos);
  EXPECT_NE(to_mermaid(flow).find("p0 -- \"7.5/s\" --> t0"), std::string::npos);
}

// Claim:  Mermaid and Graphviz get publishers, topics and subscriptions; what nobody hears, waits in vain or fails is
//         drawn otherwise.
TEST(FlowText, IsDrawn) {
  EXPECT_EQ(to_mermaid(shop_flow()),
            "flowchart LR\n"
            "  p0(\"web #quot;2#quot;\")\n"
            "  t0([\"orders.placed<br/>30\"])\n"
            "  t1([\"payments.taken<br/>25\"]):::lone\n"
            "  s0[\"billing<br/>28 handled<br/>2 failed\"]:::dead\n"
            "  s1[\"idle<br/>0 handled<br/>waits for mail.sent\"]:::lone\n"
            "  p0 -- \"30\" --> t0\n"
            "  s0 -- \"25\" --> t1\n"
            "  t0 --> s0\n"
            "  classDef dead stroke:#c00,stroke-width:3px\n"
            "  classDef lone stroke-dasharray:4\n");
  EXPECT_EQ(to_graphviz(shop_flow()),
            "digraph flow {\n  rankdir=LR\n  node [shape=box]\n"
            "  p0 [label=\"web \\\"2\\\"\", style=rounded]\n"
            "  t0 [label=\"orders.placed\\n30\", shape=ellipse]\n"
            "  t1 [label=\"payments.taken\\n25\", shape=ellipse, style=dashed]\n"
            "  s0 [label=\"billing\\n28 handled\\n2 failed\", color=red]\n"
            "  s1 [label=\"idle\\n0 handled\\nwaits for mail.sent\", style=dashed]\n"
            "  p0 -> t0 [label=\"30\"]\n"
            "  s0 -> t1 [label=\"25\"]\n"
            "  t0 -> s0\n}\n");
}

}  // namespace
}  // namespace headrace::test
