#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "state_stores.hpp"
#include "stored_events.hpp"

namespace headrace::test {
namespace {

/// What every CheckpointStore, SnapshotStore and ReadModel must do.
class StateStoresConformance : public testing::TestWithParam<StateStoresKind> {
 protected:
  StateStoresConformance() : stores_(GetParam().open(folder_.path())) {}
  void reopen() {
    if (!GetParam().lasts) return;
    stores_.reset();
    stores_ = GetParam().open(folder_.path());
  }
  EventPosition checkpoint(std::string_view name) { return stores_->checkpoints().load(name).value(); }

  /// Events at positions that have gaps, their bodies as given.
  static std::vector<StoredEvent> stored(const std::vector<std::string>& bodies, EventPosition first) {
    std::vector<StoredEvent> events;
    for (const std::string& body : bodies) {
      StoredEvent& event = events.emplace_back();
      event.position = first + 3 * (events.size() - 1);
      event.stream = "s";
      event.version = events.size();
      event.event = event_of("t", body);
    }
    return events;
  }

  TemporaryFolder folder_;
  std::unique_ptr<StateStores> stores_;
};
INSTANTIATE_TEST_SUITE_P(Every, StateStoresConformance, testing::ValuesIn(state_stores_kinds()),
                         [](const auto& kind) { return kind.param.name; });

const std::vector<std::string> kOddNames{
    "", "a", "A", "a ", "it's", "\"; DROP TABLE checkpoints; --", "größe/#", std::string(300, 'x')};

// Claim:  a reader that was never saved is at 0; what was saved is loaded, each name's own, whatever the name; a later
//         save replaces it, also one that goes back.
// Method: names that differ in little, and such as a database might trip over.
TEST_P(StateStoresConformance, CheckpointsAreKeptByName) {
  for (const std::string& name : kOddNames) EXPECT_EQ(checkpoint(name), 0U) << name;
  EventPosition position = 7;
  for (const std::string& name : kOddNames) ASSERT_TRUE(stores_->checkpoints().save(name, ++position)) << name;
  reopen();
  position = 7;
  for (const std::string& name : kOddNames) EXPECT_EQ(checkpoint(name), ++position) << name;
  ASSERT_TRUE(stores_->checkpoints().save("a", 3));
  EXPECT_EQ(checkpoint("a"), 3U);
  constexpr EventPosition kFar = (EventPosition{1} << 62) + 5;
  ASSERT_TRUE(stores_->checkpoints().save("a", kFar));
  EXPECT_EQ(checkpoint("a"), kFar);
  EXPECT_EQ(checkpoint("A"), 10U);
}

// Claim:  checkpoints are saved and loaded from many threads, each of which finds its own last one.
// Method: four threads with a name each, beside one that reads them all.
TEST_P(StateStoresConformance, CheckpointsOfManyThreads) {
  constexpr EventPosition kSaves = 50;
  std::vector<std::thread> threads;
  for (int name = 0; name < 4; ++name) {
    threads.emplace_back([this, name] {
      const std::string own = std::to_string(name);
      for (EventPosition position = 1; position <= kSaves; ++position) {
        ASSERT_TRUE(stores_->checkpoints().save(own, position));
        ASSERT_EQ(checkpoint(own), position);
      }
    });
  }
  for (int name = 0; name < 4; ++name) EXPECT_LE(checkpoint(std::to_string(name)), kSaves);
  for (auto& thread : threads) thread.join();
  for (int name = 0; name < 4; ++name) EXPECT_EQ(checkpoint(std::to_string(name)), kSaves);
}

// Claim:  a stream has the snapshot that was saved last, byte for byte, with both versions, also one of an older event;
//         removed it has none, and removing nothing is no error.
// Method: states without a byte, with every byte, and larger than a page.
TEST_P(StateStoresConformance, SnapshotsAreKeptByStream) {
  SnapshotStore* snapshots = &stores_->snapshots();
  EXPECT_EQ(snapshots->load("nobody's").value(), std::nullopt);
  EXPECT_TRUE(snapshots->remove("nobody's"));
  std::vector<std::byte> bytes;
  for (int byte = 0; byte < 256 * 40; ++byte) bytes.push_back(static_cast<std::byte>(byte));
  const AggregateSnapshot large{12, 3, bytes};
  const AggregateSnapshot empty{5, 4'000'000'000, {}};
  for (const std::string& stream : kOddNames) ASSERT_TRUE(snapshots->save(stream, large)) << stream;
  ASSERT_TRUE(snapshots->save("a", empty)) << "of an older event";
  ASSERT_TRUE(snapshots->remove("A"));
  reopen();
  snapshots = &stores_->snapshots();
  for (const std::string& stream : kOddNames) {
    const auto loaded = snapshots->load(stream).value();
    if (stream == "A") {
      EXPECT_EQ(loaded, std::nullopt);
    } else {
      EXPECT_EQ(loaded, stream == "a" ? empty : large) << stream;
    }
  }
}

// Claim:  a read model applies a batch in order and remembers how far it came, which may be beyond its last event, or
//         without any; the next one of the name goes on there.
// Method: two batches and an empty one; opened anew in between.
TEST_P(StateStoresConformance, ReadModelRemembersHowFarItCame) {
  ReadModel model = stores_->read_model("m", "-");
  EXPECT_EQ(model.checkpoint().value(), 0U);
  ASSERT_TRUE(model.apply(stored({"a", "b"}, 1), 10));
  EXPECT_EQ(model.checkpoint().value(), 10U);
  EXPECT_EQ(checkpoint("m"), 10U) << "retention and followers find it among the others";
  ASSERT_TRUE(model.apply({}, 20));
  reopen();
  model = stores_->read_model("m", "-");
  EXPECT_EQ(model.checkpoint().value(), 20U);
  ASSERT_TRUE(model.apply(stored({"c"}, 21), 21));
  EXPECT_EQ(stores_->seen(), (Bodies{"a", "b", "c"}));
  EXPECT_EQ(stores_->read_model("other", "-").checkpoint().value(), 0U);
}

// Claim:  a batch with an event that cannot be applied is an error that says which; none of its events counts twice
//         when it comes again from the checkpoint on. In one transaction with the checkpoint none of it has happened.
// Method: the third of four events is poisoned, then cured.
TEST_P(StateStoresConformance, ReadModelSaysWhatItCannotApply) {
  const std::vector<StoredEvent> events = stored({"a", "b", "poison", "d"}, 1);
  const Status failed = stores_->read_model("m", "poison").apply(events, 10);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "position 7, s@3, t: poisoned");
  const bool is_whole = GetParam().is_whole;
  EXPECT_EQ(checkpoint("m"), is_whole ? 0U : 4U);
  EXPECT_EQ(stores_->seen(), is_whole ? Bodies{} : (Bodies{"a", "b"}));

  ReadModel cured = stores_->read_model("m", "-");
  std::vector<StoredEvent> rest;
  for (const StoredEvent& event : events) {
    if (event.position > cured.checkpoint().value()) rest.push_back(event);
  }
  ASSERT_TRUE(cured.apply(rest, 10));
  EXPECT_EQ(stores_->seen(), (Bodies{"a", "b", "poison", "d"}));
  EXPECT_EQ(checkpoint("m"), 10U);
}

}  // namespace
}  // namespace headrace::test
