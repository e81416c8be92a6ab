#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "headrace/sourcing/aggregate.hpp"
#include "headrace/sourcing/memory_snapshot_store.hpp"
#include "seed_list.hpp"
#include "stores.hpp"

namespace headrace::test {
namespace {

struct Purse {
  std::int64_t cents = 0;
  std::uint64_t movements = 0;

  friend bool operator==(const Purse&, const Purse&) = default;
};

AggregateKind<Purse> purses(SnapshotStore& snapshots) {
  AggregateKind<Purse> kind;
  kind.fold = [](Purse& purse, const StoredEvent& event) -> Status {
    purse.cents += std::stoll(text_of(event.event.body));
    ++purse.movements;
    return Nothing{};
  };
  kind.snapshots = &snapshots;
  kind.save = [](const Purse& purse) {
    return bytes_of(std::to_string(purse.cents) + " " + std::to_string(purse.movements));
  };
  kind.restore = [](std::span<const std::byte> bytes) -> Result<Purse> {
    const std::string text = text_of({bytes.begin(), bytes.end()});
    return Purse{std::stoll(text), std::stoull(text.substr(text.find(' ')))};
  };
  return kind;
}

/// Purses of which the model is one number each, and how often it changed.
class AggregateModel : public EventStoreConformance {
 protected:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  static EncodedEvent moved(std::int64_t cents) { return event_of("moved", std::to_string(cents)); }

  /// Another program, or this one after a restart: with or without memory, snapshots of this or another version.
  void another_aggregate() {
    AggregateKind<Purse> kind = purses(snapshots_);
    kind.snapshot_every = below(3) == 0 ? 0 : 1 + below(5);
    kind.state_version = static_cast<std::uint32_t>(1 + below(2));
    kind.hot_max = below(3);
    purses_ = std::make_unique<Aggregate<Purse>>(*store_, kind);
  }
  /// What others do to the stream meanwhile.
  void move_behind_its_back(const std::string& stream) {
    const auto cents = static_cast<std::int64_t>(below(50));
    append(stream, ExpectedVersion::any(), {moved(cents)});
    model_[stream].cents += cents;
    ++model_[stream].movements;
  }
  void decide(const std::string& stream) {
    const auto cents = static_cast<std::int64_t>(below(100)) - 40;
    std::size_t conflicts = below(4) == 0 ? 1 + below(2) : 0;
    const auto done = purses_->execute(stream, [&](const Purse& purse) -> Result<std::vector<EncodedEvent>> {
      EXPECT_EQ(purse, model_[stream]) << "a decision on a state that is not the stream's";
      if (conflicts > 0) {
        --conflicts;
        move_behind_its_back(stream);
        return std::vector{moved(cents), moved(1)};  // loses against what has just come
      }
      if (purse.cents + cents < 0) return Error{"too little", stream};
      return std::vector{moved(cents), moved(1)};
    });
    Purse& expected = model_[stream];
    if (expected.cents + cents < 0) {
      ASSERT_FALSE(done);
      return;
    }
    ASSERT_TRUE(done) << done.error().message();
    expected.cents += cents + 1;
    expected.movements += 2;
    EXPECT_EQ(done->outcome, AppendOutcome::appended);
    EXPECT_EQ(done->state, expected);
    EXPECT_EQ(done->version, expected.movements);
  }

  std::mt19937_64 random_;
  MemorySnapshotStore snapshots_;
  std::unique_ptr<Aggregate<Purse>> purses_;
  std::map<std::string, Purse> model_;
};
HEADRACE_EVERY_STORE(AggregateModel);

// Claim:  whatever comes between, conflicts, restarts, snapshots of this and of other versions, lost ones, states in
//         memory: a decision and a load see the sum of all events before them, and each decision counts once.
// Method: 150 random steps of each of five seeds, over three streams, against sums.
TEST_P(AggregateModel, AgreesWithTheSums) {
  for (const std::uint64_t seed : seed_list(5)) {
    SCOPED_TRACE("HEADRACE_SEED=" + std::to_string(seed));
    purses_.reset();
    start_over(std::to_string(seed));
    random_.seed(seed);
    model_.clear();
    for (const char* stream : {"a", "b", "c"}) ASSERT_TRUE(snapshots_.remove(stream));
    another_aggregate();
    for (int step = 0; step < 150; ++step) {
      const std::string stream(1, static_cast<char>('a' + below(3)));
      switch (below(10)) {
        case 0:
          another_aggregate();
          break;
        case 1:
          ASSERT_TRUE(snapshots_.remove(stream));
          break;
        case 2:
          move_behind_its_back(stream);
          break;
        case 3:
        case 4:
          EXPECT_EQ(purses_->load(stream)->state, model_[stream]);
          break;
        default:
          decide(stream);
      }
      ASSERT_FALSE(HasFailure()) << "step " << step;
    }
    EXPECT_GT(model_["a"].movements, 10U);
  }
}

}  // namespace
}  // namespace headrace::test
