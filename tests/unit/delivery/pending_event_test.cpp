#include "headrace/delivery/pending_event_pool.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace headrace {
namespace {

struct SmallKept {
  std::uint64_t value;
};
struct LargeKept {
  std::array<std::uint64_t, 100> values;
};
struct OwningKept {
  std::shared_ptr<int> owned;
};

template <class T>
void keep(KeptEvent& kept, T event) {
  kept.take(event_ops<T>(), &event);
}
template <class T>
const T& seen(const KeptEvent& kept) {
  return *static_cast<const T*>(kept.data());
}

// Claim:  a small plain event lies in place; a large one and one that owns something are held; each is what was taken.
// Method: where data() points, of one of each.
TEST(KeptEvent, SmallOnesLieInPlace) {
  KeptEvent kept;
  const auto lies_in_place = [&] {
    const auto* at = static_cast<const std::byte*>(kept.data());
    const auto* object = reinterpret_cast<const std::byte*>(&kept);
    return at >= object && at < object + sizeof kept;
  };
  keep(kept, SmallKept{7});
  EXPECT_TRUE(lies_in_place());
  EXPECT_EQ(seen<SmallKept>(kept).value, 7U);
  keep(kept, LargeKept{{1, 2, 3}});
  EXPECT_FALSE(lies_in_place());
  EXPECT_EQ(seen<LargeKept>(kept).values[2], 3U);
  const auto owned = std::make_shared<int>(5);
  keep(kept, OwningKept{owned});
  EXPECT_EQ(seen<OwningKept>(kept).owned, owned);
  kept.clear();
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_EQ(kept.data(), nullptr);
}

// Claim:  a letter has the event for itself, so that the place may be used again; one that is held is shared.
// Method: a letter of each outlives what was kept.
TEST(KeptEvent, LettersOutliveIt) {
  KeptEvent kept;
  keep(kept, SmallKept{7});
  const HeldEvent small = kept.for_letter();
  keep(kept, SmallKept{9});
  keep(kept, OwningKept{std::make_shared<int>(5)});
  const HeldEvent owning = kept.for_letter();
  EXPECT_EQ(owning.data(), kept.data());
  kept.clear();
  EXPECT_EQ(small.as<SmallKept>()->value, 7U);
  EXPECT_EQ(*owning.as<OwningKept>()->owned, 5);
}

// Claim:  the pool hands out as new what was given back, the latest first, and keeps no more than it was told.
// Method: two of one kept; what they held is gone.
TEST(PendingEventPool, GivesAgainWhatCameBack) {
  PendingEventPool pool(1);
  PendingEventPtr first = pool.make();
  PendingEventPtr second = pool.make();
  const auto owned = std::make_shared<int>(5);
  keep(first->event, OwningKept{owned});
  first->attempts = 3;
  first->first_attempt.error = "it failed";
  first->later_attempts.resize(2);
  first->holds_key = first->claimed = true;
  const PendingEvent* const place = first.get();
  first = nullptr;
  second = nullptr;
  EXPECT_EQ(owned.use_count(), 1);
  const PendingEventPtr again = pool.make();
  EXPECT_EQ(again.get(), place);
  EXPECT_EQ(again->attempts, 0U);
  EXPECT_TRUE(again->first_attempt.error.empty());
  EXPECT_TRUE(again->later_attempts.empty());
  EXPECT_FALSE(again->holds_key || again->claimed);
  EXPECT_EQ(again->event.data(), nullptr);
}

}  // namespace
}  // namespace headrace
