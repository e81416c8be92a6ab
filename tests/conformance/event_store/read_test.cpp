#include "stores.hpp"

namespace headrace::test {
namespace {

class EventStoreRead : public EventStoreConformance {
 protected:
  /// Numbered events: three to a, then two to b, and so on.
  void fill(int events) {
    for (int i = 0; i < events; ++i) {
      const char* stream = i % 5 < 3 ? "a" : "b";
      append(stream, ExpectedVersion::any(), {event_of(i % 2 ? "site/odd" : "site/even", std::to_string(i))});
    }
  }
  std::vector<StoredEvent> query(EventQuery wanted, Direction direction = Direction::forward) {
    GlobalRead read;
    read.query = std::move(wanted);
    read.direction = direction;
    return read_all(*store_, read);
  }
};
HEADRACE_EVERY_STORE(EventStoreRead);

// Claim:  a stream is read in both directions, from and to any version, up to a limit.
TEST_P(EventStoreRead, StreamInBothDirections) {
  fill(10);
  EXPECT_EQ(bodies(read_stream(*store_, {.stream = "a"})), (Bodies{"0", "1", "2", "5", "6", "7"}));
  EXPECT_EQ(bodies(read_stream(*store_, {.stream = "a", .from = 3, .to = 4})), (Bodies{"2", "5"}));
  EXPECT_EQ(bodies(read_stream(*store_, {.stream = "a", .to = 5, .direction = Direction::backward, .limit = 3})),
            (Bodies{"6", "5", "2"}));
  EXPECT_EQ(bodies(read_stream(*store_, {.stream = "a", .from = 5, .direction = Direction::backward})),
            (Bodies{"7", "6"}));
  EXPECT_TRUE(read_stream(*store_, {.stream = "a", .from = 7}).empty());
  EXPECT_TRUE(read_stream(*store_, {.stream = "a", .from = 4, .to = 3}).empty());
  EXPECT_TRUE(read_stream(*store_, {.stream = "a", .limit = 0}).empty());
  EXPECT_TRUE(read_stream(*store_, {.stream = "nobody's"}).empty());
}

// Claim:  the whole store is read in the order of positions, in both directions, between any two.
// Method: every pair of bounds over ten events.
TEST_P(EventStoreRead, EverythingBetweenAnyTwoPositions) {
  fill(10);
  const auto all = read_all(*store_);
  ASSERT_EQ(all.size(), 10U);
  for (std::size_t after = 0; after < all.size(); ++after) {
    for (std::size_t to = after; to < all.size(); ++to) {
      Bodies expected;
      for (std::size_t i = after + 1; i <= to; ++i) expected.push_back(std::to_string(i));
      GlobalRead read{.after = all[after].position, .to = all[to].position};
      EXPECT_EQ(bodies(read_all(*store_, read)), expected);
      read.direction = Direction::backward;
      std::reverse(expected.begin(), expected.end());
      EXPECT_EQ(bodies(read_all(*store_, read)), expected);
    }
  }
}

// Claim:  a query finds by topic, by tags and by any of several items, each event once, in both directions.
TEST_P(EventStoreRead, ByTopicsAndTags) {
  append("a", ExpectedVersion::any(), {event_of("orders.placed", "0", {"order:1", "big"})});
  append("a", ExpectedVersion::any(), {event_of("orders.paid", "1", {"order:1"})});
  append("b", ExpectedVersion::any(), {event_of("orders.placed", "2", {"order:2"})});
  append("c", ExpectedVersion::any(), {event_of("stock.taken", "3", {"order:2", "big"})});
  const auto topic = [](std::string_view pattern) { return topic_filter(pattern).value(); };
  EXPECT_EQ(bodies(query(EventQuery::of_topic(topic("orders.#")))), (Bodies{"0", "1", "2"}));
  EXPECT_EQ(bodies(query(EventQuery::of_topic(TopicFilter::exactly("orders.paid")))), (Bodies{"1"}));
  EXPECT_EQ(bodies(query(EventQuery::tagged({"order:1"}))), (Bodies{"0", "1"}));
  EXPECT_EQ(bodies(query(EventQuery::tagged({"order:2", "big"}))), (Bodies{"3"}));
  EXPECT_TRUE(query(EventQuery::tagged({"order:1", "order:2"})).empty());
  EventQuery either;
  either.any_of = {{{topic("orders.placed")}, {"order:1"}}, {{}, {"big"}}, {{topic("stock.*")}, {"order:2"}}};
  EXPECT_EQ(bodies(query(either)), (Bodies{"0", "3"}));
  EXPECT_EQ(bodies(query(either, Direction::backward)), (Bodies{"3", "0"}));
  either.any_of.push_back({{topic("orders.paid")}, {}});
  EXPECT_EQ(bodies(query(either)), (Bodies{"0", "1", "3"}));
}

// Claim:  `through` is where to read on: pages of any size together are the whole, and end behind the last event
//         even when nothing matches.
// Method: 700 events, more than a store's own pages, read in pages of 1, 7, 256 and 1,000.
TEST_P(EventStoreRead, PagesMakeTheWhole) {
  fill(700);
  const auto last = *store_->last_position();
  for (const std::size_t page : {1U, 7U, 256U, 1000U}) {
    GlobalRead read{.limit = page};
    read.query = EventQuery::of_topic(topic_filter("site/odd").value());
    std::size_t seen = 0;
    while (read.after < last) {
      const auto end = store_->read_all(read, [&](StoredEvent& event) {
        EXPECT_EQ(text_of(event.event.body), std::to_string(2 * seen + 1));
        ++seen;
        return Visit::more;
      });
      ASSERT_TRUE(end);
      ASSERT_GT(end->through, read.after);
      read.after = end->through;
    }
    EXPECT_EQ(seen, 350U);
    EXPECT_EQ(read.after, last);
  }
  GlobalRead nothing;
  nothing.query = EventQuery::tagged({"none"});
  EXPECT_EQ(store_->read_all(nothing, [](StoredEvent&) { return Visit::more; })->through, last);
}

// Claim:  a visitor that stops has seen the event it stopped at, and no other after it.
TEST_P(EventStoreRead, StopsWhenTheVisitorDoes) {
  fill(10);
  std::size_t seen = 0;
  const auto end = store_->read_all({}, [&](StoredEvent&) { return ++seen == 3 ? Visit::stop : Visit::more; });
  ASSERT_TRUE(end);
  EXPECT_EQ(seen, 3U);
  EXPECT_EQ(end->events, 3U);
  EXPECT_EQ(end->through, read_all(*store_)[2].position);
}

// Claim:  a visitor may append to the store that it reads, and read another stream of it.
TEST_P(EventStoreRead, VisitorsMayUseTheStore) {
  fill(5);
  const auto last = *store_->last_position();
  const auto end = store_->read_all({.to = last}, [&](StoredEvent& event) {
    append("copy", ExpectedVersion::any(), {event_of("copy", text_of(event.event.body))});
    EXPECT_FALSE(read_stream(*store_, {.stream = "copy", .limit = 1}).empty());
    return Visit::more;
  });
  ASSERT_TRUE(end);
  EXPECT_EQ(bodies(read_stream(*store_, {.stream = "copy"})), (Bodies{"0", "1", "2", "3", "4"}));
}

// Claim:  streams are listed by name, in pages, with their versions.
TEST_P(EventStoreRead, StreamsAreListedByName) {
  for (const char* name : {"b", "a", "c"}) append(name, ExpectedVersion::none(), {event_of("t", "x")});
  append("b", ExpectedVersion::any(), {event_of("t", "x")});
  const auto first = store_->streams("", 2);
  ASSERT_TRUE(first);
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ((*first)[0].name, "a");
  EXPECT_EQ((*first)[1].version, 2U);
  const auto rest = store_->streams((*first)[1].name, 2);
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ((*rest)[0].name, "c");
  EXPECT_EQ(store_->stream("b")->version, 2U);
  EXPECT_EQ(store_->stream("b")->first, 1U);
  EXPECT_EQ(store_->stream("d")->version, 0U);
}

}  // namespace
}  // namespace headrace::test
