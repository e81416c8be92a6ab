#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "headrace/dispatch/routes.hpp"

namespace headrace {
namespace {

/// Entries of one topic with the tags wanted, and routes over them.
class Entries {
 public:
  explicit Entries(const std::vector<std::uint32_t>& tags) : entries_(tags.size()) {
    for (std::size_t i = 0; i < tags.size(); ++i) entries_[i].kind = FrameKind(tags[i], 24, 8);
  }

  [[nodiscard]] Target to(std::uint32_t worker, std::size_t entry) const { return {worker, &entries_.at(entry)}; }
  [[nodiscard]] FrameKind kind(std::size_t entry) const { return entries_.at(entry).kind; }

 private:
  std::vector<DispatchEntry> entries_;
};

Route sharded(std::vector<Target> slots) {
  Route route;
  route.shape = Route::Shape::sharded;
  route.sharded.push_back(std::move(slots));
  return route;
}

// Claim:  a way names every worker and kind that it was made of, up to the most workers and the highest tag.
TEST(DirectWay, HoldsAKindAndAWorkerOrTheWorkersOfAKey) {
  const FrameKind highest(FrameKind::kTagMax, FrameKind::kStrideMax, FrameKind::kAlignMax);
  const DirectWay single(highest, DirectWay::kWorkersMax - 1);
  EXPECT_TRUE(single);
  EXPECT_FALSE(single.goes_by_key());
  EXPECT_EQ(single.kind(), highest);
  EXPECT_EQ(single.worker(), DirectWay::kWorkersMax - 1);

  const FrameKind first(FrameKind::kTagMax - (DirectWay::kWorkersMax - 1), FrameKind::kStrideMax,
                        FrameKind::kAlignMax);
  const DirectWay by_key = DirectWay::by_key(first, DirectWay::kWorkersMax);
  EXPECT_TRUE(by_key.goes_by_key());
  EXPECT_EQ(by_key.workers(), DirectWay::kWorkersMax);
  EXPECT_EQ(by_key.kind_on(0), first);
  EXPECT_EQ(by_key.kind_on(DirectWay::kWorkersMax - 1), highest);
  EXPECT_EQ(DirectWay(by_key.bits()).kind_on(7), by_key.kind_on(7));
}

// Claim:  a sharded route has a way in one word when its slots are the workers in order, and the tags follow one
//         another; for events without a key, and of a single slot, the way goes to that slot's worker.
TEST(DirectWay, OfAShardedRoute) {
  const Entries entries({5, 6, 7});
  const Route route = sharded({entries.to(0, 0), entries.to(1, 1), entries.to(2, 2)});
  const DirectWay by_key = route.direct(true, 0);
  ASSERT_TRUE(by_key.goes_by_key());
  EXPECT_EQ(by_key.workers(), 3U);
  for (std::uint32_t worker = 0; worker < 3; ++worker) EXPECT_EQ(by_key.kind_on(worker), entries.kind(worker));

  std::set<std::uint32_t> workers;
  for (std::uint64_t topic = 0; topic < 100; ++topic) {
    const DirectWay keyless = route.direct(false, topic);
    ASSERT_FALSE(keyless.goes_by_key());
    EXPECT_EQ(keyless.worker(), shard_of(topic, 3));
    EXPECT_EQ(keyless.kind(), entries.kind(keyless.worker()));
    workers.insert(keyless.worker());
  }
  EXPECT_EQ(workers.size(), 3U);

  const DirectWay alone = sharded({entries.to(2, 1)}).direct(true, 0);
  EXPECT_FALSE(alone.goes_by_key());
  EXPECT_EQ(alone.worker(), 2U);
  EXPECT_EQ(alone.kind(), entries.kind(1));
}

// Claim:  there is none where a slot is not its worker's number, or a tag not the next one, or for other shapes.
TEST(DirectWay, IsNoneWhereOneWordIsNotEnough) {
  const Entries entries({5, 6, 8, 7});
  EXPECT_FALSE(sharded({entries.to(0, 0), entries.to(1, 1), entries.to(2, 2)}).direct(true, 0)) << "a gap of tags";
  EXPECT_FALSE(sharded({entries.to(0, 1), entries.to(1, 0)}).direct(true, 0)) << "tags downwards";
  EXPECT_FALSE(sharded({entries.to(0, 0), entries.to(0, 1)}).direct(true, 0)) << "two members on a worker";
  EXPECT_TRUE(sharded({entries.to(0, 0), entries.to(1, 1)}).direct(true, 0)) << "the same without";
  EXPECT_FALSE(Route{}.direct(true, 0));
  Route general;
  general.shape = Route::Shape::general;
  general.fixed = {entries.to(0, 0), entries.to(1, 1)};
  EXPECT_FALSE(general.direct(false, 0));
}

}  // namespace
}  // namespace headrace
