#include "headrace/delivery/timer_lists.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

namespace headrace {
namespace {

constexpr std::uint32_t kLists = 4;

/// TimerLists beside plain deques.
struct ListsAndModel {
  explicit ListsAndModel(std::uint32_t numbers_max) : lists(kLists, numbers_max), places(numbers_max) {}

  auto moved() {
    return [this](std::uint32_t number, std::uint32_t place) { places[number] = place; };
  }
  void append(std::uint32_t list, std::uint32_t number) {
    places[number] = lists.append(list, number, moved());
    model[list].push_back(number);
  }
  void erase(std::uint32_t list, std::size_t nth) {
    const std::uint32_t number = model[list][nth];
    EXPECT_EQ(lists.erase(places[number], moved()), list);
    model[list].erase(model[list].begin() + static_cast<std::ptrdiff_t>(nth));
  }
  std::uint32_t pop_front(std::uint32_t list) {
    EXPECT_EQ(lists.pop_front(list, [](std::uint32_t) {}), model[list].front());
    const std::uint32_t number = model[list].front();
    model[list].pop_front();
    return number;
  }
  void splice(std::uint32_t to, std::uint32_t from) {
    lists.splice(to, from, moved());
    model[to].insert(model[to].end(), model[from].begin(), model[from].end());
    model[from].clear();
  }
  std::vector<std::uint32_t> take_all(std::uint32_t list) {
    std::vector<std::uint32_t> taken;
    lists.take_all(
        list, [](std::uint32_t) {}, [&](std::uint32_t number) { taken.push_back(number); });
    EXPECT_TRUE(std::equal(taken.begin(), taken.end(), model[list].begin(), model[list].end()));
    model[list].clear();
    return taken;
  }

  TimerLists lists;
  std::vector<std::uint32_t> places;
  std::deque<std::uint32_t> model[kLists];
};

// Claim:  lists give out what plain queues do, in the same order, through every operation; and however numbers
//         come and go, there are chunks enough: their shortage aborts.
// Method: random operations over few numbers, most of the time all of them in use.
TEST(TimerLists, AgreeWithPlainQueues) {
  for (const std::uint32_t numbers : {1U, 13U, 200U}) {
    ListsAndModel both(numbers);
    std::mt19937_64 random{numbers};
    std::vector<std::uint32_t> free(numbers);
    for (std::uint32_t i = 0; i < numbers; ++i) free[i] = i;
    for (int step = 0; step < 20'000; ++step) {
      const auto list = static_cast<std::uint32_t>(random() % kLists);
      ASSERT_EQ(both.lists.is_empty(list), both.model[list].empty());
      const auto what = random() % 100;
      if (!free.empty() && what < 50) {
        both.append(list, free.back());
        free.pop_back();
      } else if (what < 85 && !both.model[list].empty()) {
        const std::size_t nth = random() % both.model[list].size();
        free.push_back(both.model[list][nth]);
        both.erase(list, nth);
      } else if (what < 97 && !both.model[list].empty()) {
        free.push_back(both.pop_front(list));
      } else if (what == 98) {
        both.splice(list, (list + 1) % kLists);
      } else if (what == 99) {
        const auto taken = both.take_all(list);
        free.insert(free.end(), taken.begin(), taken.end());
      }
    }
  }
}

// Claim:  a list of which few numbers are left gives its chunks back: the same numbers fit again, as often as one
//         likes.
// Method: fill one list, erase all but every twelfth, fill another one with what is free; round and round.
TEST(TimerLists, SparseListsGiveTheirChunksBack) {
  constexpr std::uint32_t kNumbers = 1200;
  ListsAndModel both(kNumbers);
  for (std::uint32_t i = 0; i < kNumbers; ++i) both.append(0, i);
  for (std::uint32_t round = 0; round < 20; ++round) {
    const std::uint32_t from = round % 2;
    std::vector<std::uint32_t> freed;
    for (std::size_t nth = both.model[from].size(); nth-- > 0;) {
      if (nth % 12 == 5) continue;
      freed.push_back(both.model[from][nth]);
      both.erase(from, nth);
    }
    for (const std::uint32_t number : freed) both.append(1 - from, number);
  }
  const std::size_t left = both.take_all(0).size();
  EXPECT_EQ(left + both.take_all(1).size(), kNumbers);
}

// Claim:  lists that are put together of many short ones need no more chunks than one that was filled.
// Method: numbers come one by one, each in a list that is moved behind the others.
TEST(TimerLists, SplicedListsAreMerged) {
  constexpr std::uint32_t kNumbers = 1200;
  ListsAndModel both(kNumbers);
  for (std::uint32_t i = 0; i < kNumbers; ++i) {
    both.append(1, i);
    both.splice(0, 1);
  }
  EXPECT_EQ(both.take_all(0).size(), kNumbers);
}

}  // namespace
}  // namespace headrace
