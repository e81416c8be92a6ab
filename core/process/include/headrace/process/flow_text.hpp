#pragma once

#include <string>

#include "headrace/dispatch/event_flow.hpp"

namespace headrace {

/// For people: each topic with who publishes to it and who gets it, then what the subscriptions did. How often, or
/// how often a second when the flow is the difference of two.
[[nodiscard]] std::string to_text(const EventFlow& flow);
/// A flowchart as Mermaid draws it: publishers, topics, subscriptions. A topic that nobody subscribes to is dashed, and
/// so is a subscription that no topic leads to; one that failed on events is red.
[[nodiscard]] std::string to_mermaid(const EventFlow& flow);
/// The same as a digraph for dot.
[[nodiscard]] std::string to_graphviz(const EventFlow& flow);

}  // namespace headrace
