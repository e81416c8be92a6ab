#include "headrace/event/held_event.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "counted.hpp"
#include "events.hpp"

namespace headrace {
namespace {

using test::Counted;
using test::Tick;

struct alignas(64) Wide {
  std::uint64_t value = 0;
};

// Claim:  a held event is destroyed once, when the last holder goes, and a holder's copy shares it.
// Method: events that count themselves, held by value and taken out of a place as out of a lane.
TEST(HeldEvent, IsSharedByItsHoldersAndDestroyedOnce) {
  const auto before = Counted::alive.load();
  {
    auto source = std::make_unique<Counted>(7);
    HeldEvent held = HeldEvent::move_from(event_ops<Counted>(), source.get());
    source.reset();
    const HeldEvent copy = held;
    const HeldEvent other = HeldEvent::of(Counted{8});
    EXPECT_EQ(Counted::alive.load(), before + 2);
    held = HeldEvent{};
    ASSERT_NE(copy.as<Counted>(), nullptr);
    EXPECT_EQ(*copy.as<Counted>()->value, 7U);
    EXPECT_EQ(*other.as<Counted>()->value, 8U);
  }
  EXPECT_EQ(Counted::alive.load(), before);
}

// Claim:  a holder answers only to the type of its event, and an empty one to none.
// Method: ask for the right type, a wrong one, and an empty holder.
TEST(HeldEvent, IsReadOnlyAsWhatItIs) {
  const HeldEvent held = HeldEvent::of(Tick{.key = 1, .value = 2});
  ASSERT_NE(held.as<Tick>(), nullptr);
  EXPECT_EQ(held.as<Tick>()->value, 2U);
  EXPECT_EQ(held.as<test::Tock>(), nullptr);
  EXPECT_EQ(held.ops(), &event_ops<Tick>());
  const HeldEvent none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.as<Tick>(), nullptr);
  EXPECT_EQ(none.ops(), nullptr);
}

// Claim:  an over-aligned event keeps its alignment in both ways of holding it.
// Method: look at the addresses.
TEST(HeldEvent, KeepsAlignment) {
  Wide wide{3};
  const HeldEvent moved = HeldEvent::move_from(event_ops<Wide>(), &wide);
  const HeldEvent made = HeldEvent::of(Wide{4});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(moved.data()) % 64, 0U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(made.data()) % 64, 0U);
  EXPECT_EQ(moved.as<Wide>()->value, 3U);
}

}  // namespace
}  // namespace headrace
