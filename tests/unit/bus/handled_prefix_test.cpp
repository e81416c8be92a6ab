#include "headrace/bus/handled_prefix.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace headrace {
namespace {

// Claim:  whatever order events end in, everything up to handled() has ended, and nothing behind it that could count
//         is left out.
// Method: 300 runs of 40 events with gaps between positions, dispatched and ended in random order; a plain list
//         says what the prefix must be.
TEST(HandledPrefix, FollowsTheFirstThatIsOut) {
  std::mt19937_64 random(5);
  for (int run = 0; run < 300; ++run) {
    const auto prefix = std::make_shared<HandledPrefix>();
    std::vector<std::pair<EventPosition, HandledPrefix::Receipt>> out;
    EventPosition last = 0;
    for (int left = 40; left > 0 || !out.empty();) {
      if (left > 0 && (out.empty() || random() % 2 == 0)) {
        last += 1 + random() % 3;
        out.emplace_back(last, HandledPrefix::Receipt(prefix, last));
        prefix->looked_through(last);
        --left;
      } else {
        const std::size_t which = random() % out.size();
        std::swap(out[which].first, out.back().first);
        std::destroy_at(&out[which].second);
        std::construct_at(&out[which].second, std::move(out.back().second));
        out.pop_back();
      }
      EventPosition first_out = last + 1;
      for (const auto& [position, receipt] : out) first_out = std::min(first_out, position);
      const HandledPrefix::Account account = prefix->account();
      EXPECT_LT(account.handled, first_out);
      if (out.empty()) {
        EXPECT_EQ(account.handled, last);
      }
      EXPECT_EQ(account.out, out.size());
    }
    EXPECT_EQ(prefix->account().events, 40U);
  }
}

// Claim:  what ended unhandled holds the prefix until it is dispatched anew, with all that came behind it.
// Method: the second of three ends unhandled; a rewind, and the two again.
TEST(HandledPrefix, GapHoldsUntilTheRewind) {
  const auto prefix = std::make_shared<HandledPrefix>();
  {
    const HandledPrefix::Receipt first(prefix, 10);
    const HandledPrefix::Receipt second(prefix, 20);
    const HandledPrefix::Receipt third(prefix, 30);
    prefix->looked_through(35);
    second.unhandled();
  }
  EXPECT_EQ(prefix->account().handled, 10U);
  EXPECT_TRUE(prefix->account().has_gap);
  EXPECT_EQ(prefix->rewind(), 10U);
  EXPECT_FALSE(prefix->account().has_gap);
  {
    const HandledPrefix::Receipt second(prefix, 20);
    const HandledPrefix::Receipt third(prefix, 30);
    prefix->looked_through(35);
  }
  EXPECT_EQ(prefix->account().handled, 35U);
}

// Claim:  an event that was not published after all leaves no trace, also when its receipt ends later.
// Method: one that is taken back while it exists, then published anew.
TEST(HandledPrefix, TakingBackLeavesNoTrace) {
  const auto prefix = std::make_shared<HandledPrefix>();
  {
    const HandledPrefix::Receipt refused(prefix, 7);
    prefix->take_back(7);
    EXPECT_EQ(prefix->account().out, 0U);
  }
  EXPECT_EQ(prefix->account().handled, 0U);
  EXPECT_EQ(prefix->account().events, 0U);
  { const HandledPrefix::Receipt taken(prefix, 7); }
  EXPECT_EQ(prefix->account().handled, 7U);
}

}  // namespace
}  // namespace headrace
