#include <cstdint>
#include <random>
#include <string>

#include "model.hpp"
#include "seed_list.hpp"
#include "stores.hpp"

namespace headrace::test {
namespace {

/// Random requests and reads, few names so that they meet.
class EventStoreModel : public EventStoreConformance {
 protected:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::string stream_name() { return "stream-" + std::to_string(below(4)); }

  std::vector<std::string> tags() {
    std::vector<std::string> some;
    for (const char* tag : {"red", "green", "blue"}) {
      if (below(3) == 0) some.push_back(tag);
    }
    return some;
  }

  EventQuery query() {
    static const char* const kPatterns[] = {"#", "a.#", "a.x", "*.x", "b.y"};
    EventQuery made;
    for (std::size_t items = below(3); items > 0; --items) {
      EventQuery::Item item{{}, tags()};
      for (std::size_t topics = below(3); topics > 0; --topics) {
        item.topics.push_back(topic_filter(kPatterns[below(5)]).value());
      }
      made.any_of.push_back(std::move(item));
    }
    return made;
  }

  EventPosition position() {
    const auto& facts = model_.facts();
    return facts.empty() || below(4) == 0 ? 0 : facts[below(facts.size())].position;
  }

  ExpectedVersion expected(const std::string& stream) {
    switch (below(4)) {
      case 0:
        return ExpectedVersion::exact(below(6));
      case 1:
        return ExpectedVersion::exact(model_.version(stream));
      default:
        return ExpectedVersion::any();
    }
  }

  AppendRequest request() {
    static const char* const kTopics[] = {"a.x", "a.y", "b.x", "b.y"};
    AppendRequest made;
    for (std::size_t streams = 1 + below(2); streams > 0; --streams) {
      StreamAppend append{stream_name(), {}, {}};
      if (!made.streams.empty() && made.streams[0].stream == append.stream) continue;
      append.expected = expected(append.stream);
      for (std::size_t events = 1 + below(3); events > 0; --events) {
        append.events.push_back(event_of(kTopics[below(4)], std::to_string(++bodies_), tags()));
      }
      made.streams.push_back(std::move(append));
    }
    if (below(10) == 0 && !model_.facts().empty()) {
      made.streams[0].events[0] = model_.facts()[below(model_.facts().size())].event;
    }
    if (below(3) == 0) made.conditions.push_back({query(), position()});
    return made;
  }

  void append_some() {
    const AppendRequest wanted = below(8) == 0 && last_.streams.size() == 1 ? last_ : request();
    const AppendOutcome outcome = model_.expected_outcome(wanted);
    const auto before = *store_->last_position();
    const auto receipt = append(wanted);
    ASSERT_EQ(static_cast<int>(receipt.outcome), static_cast<int>(outcome));
    if (outcome != AppendOutcome::appended) {
      ASSERT_EQ(*store_->last_position(), before);
      return;
    }
    std::vector<EventPosition> positions;
    for (const auto& event : read_all(*store_, {.after = before})) positions.push_back(event.position);
    std::size_t events = 0;
    for (const auto& stream : wanted.streams) events += stream.events.size();
    ASSERT_EQ(positions.size(), events);
    model_.append(wanted, positions);
    for (std::size_t i = 0; i < wanted.streams.size(); ++i) {
      ASSERT_EQ(receipt.streams[i].last, model_.version(wanted.streams[i].stream));
    }
    last_ = wanted;
  }

  void truncate_some() {
    if (below(2) == 0) {
      const std::string stream = stream_name();
      const StreamVersion keep_from = below(model_.version(stream) + 3);
      ASSERT_TRUE(store_->truncate_stream(stream, keep_from));
      model_.truncate_stream(stream, keep_from);
    } else {
      const EventPosition keep_from = position();
      ASSERT_TRUE(store_->truncate_all(keep_from));
      model_.truncate_all(keep_from);
    }
  }

  static void expect_same(const std::vector<StoredEvent>& is, const std::vector<StoreModel::Fact>& should) {
    ASSERT_EQ(is.size(), should.size());
    for (std::size_t i = 0; i < is.size(); ++i) {
      ASSERT_EQ(is[i].position, should[i].position);
      ASSERT_EQ(is[i].stream, should[i].stream);
      ASSERT_EQ(is[i].version, should[i].version);
      ASSERT_EQ(is[i].event, should[i].event);
    }
  }

  void read_some() {
    const Direction direction = below(2) == 0 ? Direction::forward : Direction::backward;
    const std::size_t limit = below(2) == 0 ? kNoLimit : below(5);
    if (below(2) == 0) {
      const StreamRead read{stream_name(), below(5), below(3) == 0 ? below(10) : kToTheEnd, direction, limit};
      expect_same(read_stream(*store_, read), model_.find(
                                                  [&](const StoreModel::Fact& fact) {
                                                    return fact.stream == read.stream &&
                                                           fact.version >= read.from && fact.version <= read.to;
                                                  },
                                                  direction, limit));
    } else {
      const GlobalRead read{position(), below(3) == 0 ? position() : kToTheEnd, direction, limit, query()};
      expect_same(read_all(*store_, read), model_.find(
                                               [&](const StoreModel::Fact& fact) {
                                                 return fact.position > read.after && fact.position <= read.to &&
                                                        matches(read.query, fact.event.envelope);
                                               },
                                               direction, limit));
    }
  }

  void begin(std::uint64_t seed) {
    start_over(std::to_string(seed));
    random_.seed(seed);
    model_ = {};
    last_ = {};
    bodies_ = 0;
  }

  std::mt19937_64 random_;
  StoreModel model_;
  AppendRequest last_;
  int bodies_ = 0;
};
HEADRACE_EVERY_STORE(EventStoreModel);

// Claim:  appends with conflicts, conditions, repeated ids and several streams, truncations and reads do what the
//         plainest model does.
// Method: 300 random steps of each of five seeds; a durable store is opened anew now and then.
TEST_P(EventStoreModel, AgreesWithTheModel) {
  for (const std::uint64_t seed : seed_list(5)) {
    SCOPED_TRACE("HEADRACE_SEED=" + std::to_string(seed));
    begin(seed);
    for (int step = 0; step < 300; ++step) {
      switch (below(20)) {
        case 0:
          truncate_some();
          break;
        case 1:
          if (store_->capabilities().durable && below(5) == 0) reopen();
          break;
        default:
          below(2) == 0 ? append_some() : read_some();
      }
      ASSERT_FALSE(HasFailure()) << "step " << step;
    }
    EXPECT_GT(model_.facts().size(), 10U);
  }
}

}  // namespace
}  // namespace headrace::test
