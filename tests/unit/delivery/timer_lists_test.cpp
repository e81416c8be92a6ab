#include "headrace/delivery/timer_lists.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <utility>
#include <vector>

#include "counted.hpp"

namespace headrace {
namespace {

constexpr std::uint32_t kLists = 4;
constexpr std::size_t kChunk = 12;  ///< what one has room for

struct Known {
  TimerToken token;
  std::uint64_t due;
  std::uint64_t payload;
};

/// TimerLists beside plain deques.
struct ListsAndModel {
  explicit ListsAndModel(std::uint32_t timers_max) : lists(kLists, timers_max) {}

  void add(std::uint32_t list, std::uint64_t due = 0) {
    const std::uint64_t payload = ++made;
    model[list].push_back({lists.add(list, due, std::uint64_t{payload}), due, payload});
  }
  void remove(std::uint32_t list, std::size_t nth) {
    const Known known = model[list][nth];
    EXPECT_EQ(lists.list_of(known.token), list);
    EXPECT_EQ(lists.remove(known.token), known.payload);
    EXPECT_EQ(lists.list_of(known.token), kNone);
    model[list].erase(model[list].begin() + static_cast<std::ptrdiff_t>(nth));
  }
  void pop_front(std::uint32_t list) {
    const Known known = model[list].front();
    EXPECT_EQ(lists.pop_front(list), known.payload);
    EXPECT_EQ(lists.list_of(known.token), kNone);
    model[list].pop_front();
  }
  void pop_all() {
    for (std::uint32_t list = 0; list < kLists; ++list) {
      while (!model[list].empty()) pop_front(list);
      EXPECT_TRUE(lists.is_empty(list));
    }
  }
  void splice(std::uint32_t to, std::uint32_t from) {
    lists.splice(to, from);
    model[to].insert(model[to].end(), model[from].begin(), model[from].end());
    model[from].clear();
  }
  /// By due time to the other lists.
  void deal(std::uint32_t list) {
    const auto list_for = [&](std::uint64_t due) {
      return static_cast<std::uint32_t>((list + 1 + due % (kLists - 1)) % kLists);
    };
    lists.deal(list, list_for);
    for (const Known& known : std::exchange(model[list], {})) model[list_for(known.due)].push_back(known);
  }

  static constexpr std::uint32_t kNone = TimerLists<std::uint64_t>::kNone;
  TimerLists<std::uint64_t> lists;
  std::deque<Known> model[kLists];
  std::uint64_t made = 0;
};

// Claim:  lists give out what plain queues do, in the same order, through every operation; a token finds its timer
//         wherever it has moved; and however timers come and go, there are chunks enough: their shortage aborts.
// Method: random operations over few timers, most of the time all of them in use.
TEST(TimerLists, AgreeWithPlainQueues) {
  for (const std::uint32_t timers_max : {1U, 13U, 300U}) {
    ListsAndModel both(timers_max);
    std::mt19937_64 random{timers_max};
    for (int step = 0; step < 30'000; ++step) {
      const auto list = static_cast<std::uint32_t>(random() % kLists);
      ASSERT_EQ(both.lists.is_empty(list), both.model[list].empty());
      const auto what = random() % 100;
      if (what < 50 && both.lists.size() < timers_max) {
        both.add(list, random());
      } else if (what < 85 && !both.model[list].empty()) {
        both.remove(list, random() % both.model[list].size());
      } else if (what < 97 && !both.model[list].empty()) {
        both.pop_front(list);
      } else if (what == 98) {
        both.splice(list, (list + 1) % kLists);
      } else if (what == 99) {
        both.deal(list);
      }
      std::size_t known = 0;
      for (const auto& of : both.model) known += of.size();
      ASSERT_EQ(both.lists.size(), known);
    }
    both.pop_all();
  }
}

// Claim:  the chunks suffice for lists as sparse as they can become: whole chunks and single timers in turns, of
//         which no two neighbours fit into one. Those that do fit are one.
// Method: fill a list, remove of every second chunk all but one timer, and of the others none or one; fill up again,
//         until all of the list is so.
TEST(TimerLists, ChunksSufficeForTheSparsestLists) {
  constexpr std::size_t kTimers = (kChunk + 1) * 400;
  for (const std::size_t whole : {kChunk, kChunk - 1}) {
    ListsAndModel both(kTimers);
    const auto fill = [&] {
      while (both.lists.size() < kTimers) both.add(0);
    };
    for (std::size_t at = 0; at + 2 * kChunk <= kTimers; at += whole + 1) {
      fill();
      for (std::size_t nth = at + 2 * kChunk; nth-- > at + kChunk + 1;) both.remove(0, nth);
      if (whole < kChunk) both.remove(0, at);
    }
    fill();
    both.pop_all();
  }
}

// Claim:  a list of which few timers are left gives its chunks back: the same number fit again, as often as one
//         likes.
// Method: fill one list, remove all but every twelfth, from the back or from the front, and fill another one with
//         what is free; round and round.
TEST(TimerLists, SparseListsGiveTheirChunksBack) {
  constexpr std::size_t kTimers = 1200;
  for (const bool from_the_back : {false, true}) {
    ListsAndModel both(kTimers);
    for (std::size_t i = 0; i < kTimers; ++i) both.add(0);
    for (std::uint32_t round = 0; round < 20; ++round) {
      const std::uint32_t from = round % 2;
      const std::size_t size = both.model[from].size();
      std::size_t kept = 0;
      for (std::size_t i = 0; i < size; ++i) {
        if (i % 12 == 5) {
          ++kept;
        } else {
          both.remove(from, from_the_back ? size - 1 - i : kept);
        }
      }
      while (both.lists.size() < kTimers) both.add(1 - from);
    }
    both.pop_all();
  }
}

// Claim:  a list whose last chunk has holes fills them before it takes another chunk.
// Method: forty lists that each had a whole chunk and keep its last timer; then one more timer for each.
TEST(TimerLists, HolesAreFilledAgain) {
  constexpr std::uint32_t kMany = 40;
  TimerLists<std::uint64_t> lists(kMany, 2 * kMany + kChunk);
  for (std::uint32_t list = 0; list < kMany; ++list) {
    std::vector<TimerToken> tokens;
    for (std::uint64_t i = 0; i < kChunk; ++i) tokens.push_back(lists.add(list, 0, std::uint64_t{i}));
    for (std::uint64_t i = 0; i + 1 < kChunk; ++i) EXPECT_EQ(lists.remove(tokens[i]), i);
    lists.add(list, 0, std::uint64_t{kChunk});
  }
  for (std::uint32_t list = 0; list < kMany; ++list) {
    EXPECT_EQ(lists.pop_front(list), kChunk - 1);
    EXPECT_EQ(lists.pop_front(list), kChunk);
  }
}

// Claim:  lists that are put together of many short ones need no more chunks than one that was filled.
// Method: timers come one by one, each in a list that is moved behind the others.
TEST(TimerLists, SplicedListsAreMerged) {
  constexpr std::uint32_t kTimers = 1200;
  ListsAndModel both(kTimers);
  for (std::uint32_t i = 0; i < kTimers; ++i) {
    both.add(1);
    both.splice(0, 1);
  }
  both.pop_all();
}

// Claim:  generations wrap without a token that names a timer not its own: of the last generation, of the first
//         again, or of a number that is free.
// Method: one number, whose generation starts just below 2^32.
TEST(TimerLists, GenerationsWrap) {
  TimerLists<std::uint64_t> lists(1, 1, ~0U - 1);
  const auto kNone = TimerLists<std::uint64_t>::kNone;
  const TimerToken last = lists.add(0, 0, 1);
  EXPECT_EQ(last.generation, ~0U);
  EXPECT_EQ(lists.list_of(last), 0U);
  EXPECT_EQ(lists.remove(last), 1U);
  EXPECT_EQ(lists.list_of(last), kNone);
  const TimerToken first = lists.add(0, 0, 2);
  EXPECT_EQ(first.generation, 1U);
  EXPECT_EQ(lists.list_of(last), kNone);
  EXPECT_EQ(lists.list_of(TimerToken{}), kNone);
  EXPECT_EQ(lists.pop_front(0), 2U);
  EXPECT_EQ(lists.list_of(first), kNone);
}

// Claim:  payloads are moved and destroyed as often as they are made, those too that the lists still hold when they
//         end.
// Method: payloads that count themselves and own memory, through every operation.
TEST(TimerLists, PayloadsAreDestroyedOnce) {
  using test::Counted;
  const auto before = Counted::alive.load();
  {
    TimerLists<Counted> lists(2, 100);
    std::vector<TimerToken> tokens;
    for (std::uint32_t i = 0; i < 100; ++i) tokens.push_back(lists.add(0, i, Counted{i}));
    EXPECT_EQ(Counted::alive.load(), before + 100);
    for (std::uint32_t i = 0; i < 100; i += 3) EXPECT_EQ(*lists.remove(tokens[i]).value, i);
    lists.deal(0, [](std::uint64_t) { return 1U; });
    lists.splice(0, 1);
    EXPECT_EQ(*lists.pop_front(0).value, 1U);
    EXPECT_EQ(Counted::alive.load(), before + 65);
  }
  EXPECT_EQ(Counted::alive.load(), before);
}

}  // namespace
}  // namespace headrace
