#include "headrace/process/trace.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/sourcing/memory_event_store.hpp"
#include "stored_events.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

class TraceTest : public ::testing::Test {
 protected:
  static constexpr EventTime kPlaced{1'700'000'000s};

  /// An event of the transaction, so long after the first one.
  EncodedEvent make(std::string topic, EventId cause, std::chrono::nanoseconds later = 0ms) {
    EncodedEvent event = event_of(std::move(topic), "body");
    event.envelope.time = kPlaced + later;
    event.envelope.causation = cause;
    if (!correlation_) correlation_ = event.envelope.id;
    event.envelope.correlation = correlation_;
    return event;
  }
  EventId append(const std::string& stream, EncodedEvent event) {
    const EventId id = event.envelope.id;
    EXPECT_TRUE(store_.append(AppendRequest::to(stream, ExpectedVersion::any(), {std::move(event)})));
    return id;
  }
  /// placed -> (reserved, charged -> notified), with others' events in between.
  void place_an_order() {
    append("order-8", event_of("orders.placed", "another"));
    placed_ = append("order-7", make("orders.placed", {}));
    reserved_ = append("stock", make("stock.reserved", placed_, 2ms));
    append("order-8", event_of("orders.paid", "another"));
    charged_ = append("order-7", make("payment.\"charged\"", placed_, 1500us));
    notified_ = append("order-7", make("mail.sent", charged_, 1s));
  }

  MemoryEventStore store_{MemoryEventStoreOptions{.position_step = 2}};
  MemoryDeadLetterStore letters_;
  EventId correlation_, placed_, reserved_, charged_, notified_;
};

// Claim:  a transaction is found by its correlation, or by any of its events, as the tree of what caused what.
TEST_F(TraceTest, IsTheTreeOfWhatCausedWhat) {
  place_an_order();
  for (const EventId& asked : {correlation_, placed_, notified_}) {
    const auto found = trace(store_, asked);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->correlation, correlation_);
    ASSERT_EQ(found->events.size(), 4U);
    EXPECT_EQ(found->roots, (std::vector<std::size_t>{0}));
    EXPECT_EQ(found->events[0].effects, (std::vector<std::size_t>{1, 2}));
    EXPECT_EQ(found->events[2].effects, (std::vector<std::size_t>{3}));
    EXPECT_EQ(found->events[3].cause, 2U);
    EXPECT_EQ(found->events[3].stream, "order-7");
    EXPECT_EQ(found->events[3].version, 3U);
  }
}

// Claim:  people read a line an event, indented under its cause, with the time since the first one.
TEST_F(TraceTest, IsReadableAsText) {
  place_an_order();
  EXPECT_EQ(to_text(*trace(store_, correlation_)), "correlation " + correlation_.to_string() +
                                                       ": 4 events\n"
                                                       "orders.placed  order-7@1  2023-11-14T22:13:20.000Z\n"
                                                       "├─ stock.reserved  stock@1  +2.000 ms\n"
                                                       "└─ payment.\"charged\"  order-7@2  +1.500 ms\n"
                                                       "   └─ mail.sent  order-7@3  +1000.000 ms\n");
}

// Claim:  Mermaid and Graphviz get every event and every arrow, with what is special to them written otherwise.
TEST_F(TraceTest, IsDrawn) {
  place_an_order();
  const auto found = trace(store_, correlation_);
  EXPECT_EQ(to_mermaid(*found),
            "flowchart TD\n"
            "  e0[\"orders.placed<br/>order-7@1\"]\n"
            "  e1[\"stock.reserved<br/>stock@1\"]\n"
            "  e2[\"payment.#quot;charged#quot;<br/>order-7@2\"]\n"
            "  e3[\"mail.sent<br/>order-7@3\"]\n"
            "  e0 --> e1\n  e0 --> e2\n  e2 --> e3\n");
  EXPECT_EQ(to_graphviz(*found),
            "digraph trace {\n  node [shape=box]\n"
            "  e0 [label=\"orders.placed\\norder-7@1\"]\n"
            "  e1 [label=\"stock.reserved\\nstock@1\"]\n"
            "  e2 [label=\"payment.\\\"charged\\\"\\norder-7@2\"]\n"
            "  e3 [label=\"mail.sent\\norder-7@3\"]\n"
            "  e0 -> e1\n  e0 -> e2\n  e2 -> e3\n}\n");
}

// Claim:  what was given up on is in the tree, stored or not, and says by whom and why.
TEST_F(TraceTest, ShowsDeadLetters) {
  place_an_order();
  const auto give_up = [&](Envelope envelope, const char* subscription) {
    DeadLetter letter;
    letter.envelope = std::move(envelope);
    letter.body = EncodedBody{};
    letter.subscription = subscription;
    letter.reason = "no\nline";
    letter.first_failure = kPlaced + 3ms;
    ASSERT_TRUE(letters_.add({&letter, 1}));
  };
  Envelope charged;
  charged.id = charged_;
  charged.correlation = correlation_;
  give_up(charged, "billing");
  give_up(charged, "audit");
  EncodedEvent unstored = make("stats.counted", reserved_);
  unstored.envelope.time = {};
  give_up(unstored.envelope, "stats");
  const auto found = trace(store_, correlation_, {.dead_letters = &letters_});
  ASSERT_EQ(found->events.size(), 5U);
  EXPECT_EQ(*found->events[2].dead_letter, "billing: no\nline; audit: no\nline");
  const std::string text = to_text(*found);
  EXPECT_NE(text.find("│  └─ stats.counted  not stored  +3.000 ms  DEAD LETTER stats: no line\n"),
            std::string::npos)
      << text;
  EXPECT_NE(to_mermaid(*found).find("order-7@2\"]:::dead\n"), std::string::npos);
  EXPECT_NE(to_graphviz(*found).find("color=red"), std::string::npos);
}

// Claim:  events whose cause is not there, whose causes go round in circles, or come before them, are each shown
//         once.
TEST_F(TraceTest, OddCausesLoseNothing) {
  const EventId early = EventId::make();
  append("a", make("first", early));
  EncodedEvent late = make("late", {});
  late.envelope.id = early;
  append("a", late);
  append("a", make("orphan", EventId::make()));
  EncodedEvent one = make("one", {});
  EncodedEvent two = make("two", one.envelope.id);
  one.envelope.causation = two.envelope.id;
  append("a", one);
  append("a", two);
  const auto found = trace(store_, correlation_);
  ASSERT_TRUE(found);
  std::size_t lines = 0;
  for (const char c : to_text(*found)) lines += c == '\n';
  EXPECT_EQ(lines, 6U);
  EXPECT_EQ(found->roots.size(), 3U);
  EXPECT_EQ(found->events[0].cause, 1U) << "late caused first, though it was stored behind it";
}

// Claim:  an unknown id has no events, none at all is an error, and so is more than was allowed.
TEST_F(TraceTest, SaysWhatItCannotShow) {
  place_an_order();
  EXPECT_TRUE(trace(store_, EventId::make())->events.empty());
  EXPECT_FALSE(trace(store_, {}));
  EXPECT_EQ(trace(store_, correlation_, {.events_max = 3}).error().what, "more than 3 events");
  EXPECT_EQ(trace(store_, correlation_, {.events_max = 4})->events.size(), 4U);
}

}  // namespace
}  // namespace headrace::test
