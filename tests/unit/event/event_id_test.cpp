#include "headrace/event/event_id.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

namespace headrace {
namespace {

// Claim:  ids ascend within a thread and differ between threads.
// Method: 5,000 ids on each of four threads: more than a millisecond's counter holds.
TEST(EventId, AscendsWithinAThreadAndIsUniqueAcrossThreads) {
  std::vector<std::vector<EventId>> made(4);
  std::vector<std::thread> threads;
  for (auto& ids : made)
    threads.emplace_back([&ids] {
      for (int i = 0; i < 5000; ++i) ids.push_back(EventId::make());
    });
  for (auto& thread : threads) thread.join();

  std::set<EventId> all;
  for (const auto& ids : made) {
    for (std::size_t i = 1; i < ids.size(); ++i) ASSERT_LT(ids[i - 1], ids[i]);
    all.insert(ids.begin(), ids.end());
  }
  EXPECT_EQ(all.size(), 20'000U);
}

// Claim:  a fork's child makes other ids than its parent, whoever made ids before the fork.
// Method: an id, then a fork; both make ids in the same milliseconds, and the random halves are compared.
TEST(EventId, DiffersBetweenAForkAndItsParent) {
  constexpr std::size_t kIds = 4;
  static_cast<void>(EventId::make());
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  std::array<std::uint64_t, kIds> mine{};
  for (std::uint64_t& half : mine) half = EventId::make().low;
  if (child == 0) {
    const bool told = ::write(ends[1], mine.data(), sizeof mine) == static_cast<ssize_t>(sizeof mine);
    ::_exit(told ? 0 : 1);
  }
  std::array<std::uint64_t, kIds> theirs{};
  EXPECT_EQ(::read(ends[0], theirs.data(), sizeof theirs), static_cast<ssize_t>(sizeof theirs));
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  std::set<std::uint64_t> all(mine.begin(), mine.end());
  all.insert(theirs.begin(), theirs.end());
  EXPECT_EQ(all.size(), 2 * kIds);
}

// Claim:  the text is the usual one of a version 7 UUID and comes back as the same id.
// Method: the example of RFC 9562, appendix A.6, and ids just made.
TEST(EventId, TextIsThatOfAUuid) {
  const auto example = EventId::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
  ASSERT_TRUE(example);
  EXPECT_EQ(example->unix_ms(), 0x017f22e279b0U);
  EXPECT_EQ(example->to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  for (int i = 0; i < 100; ++i) {
    const EventId id = EventId::make();
    const std::string text = id.to_string();
    EXPECT_EQ(text[14], '7');
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
    EXPECT_EQ(EventId::parse(text), id);
  }
}

// Claim:  what is not such a text is no id.
// Method: every prefix, a dash moved, a digit that is none.
TEST(EventId, RefusesOtherText) {
  const std::string good = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(EventId::parse(good.substr(0, size)));
  EXPECT_FALSE(EventId::parse(good + "0"));
  EXPECT_FALSE(EventId::parse("017f22e27-9b0-7cc3-98c4-dc0c0c07398f"));
  EXPECT_FALSE(EventId::parse("017g22e2-79b0-7cc3-98c4-dc0c0c07398f"));
}

}  // namespace
}  // namespace headrace
