#include "headrace/route/filter_trie.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "headrace/route/topic_name.hpp"

namespace headrace {
namespace {

using Ids = std::vector<std::uint32_t>;

Filter filter(std::string_view text) { return Filter::parse(text).value(); }

Ids matches(const FilterTrie& trie, std::string_view topic) {
  Ids ids;
  trie.match(topic, ids);
  std::sort(ids.begin(), ids.end());
  return ids;
}

/// The same by the definition: every filter asked in turn.
Ids matches(const std::multimap<std::uint32_t, Filter>& filters, std::string_view topic) {
  Ids ids;
  for (const auto& [id, filter] : filters) {
    if (filter.matches(topic)) ids.push_back(id);
  }
  return ids;
}

/// Names and filters over few levels, so that they meet often; some levels are longer than a trie's node holds.
class Words {
 public:
  explicit Words(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string topic() {
    return join(1 + below(6), below(2) == 0 ? '/' : '.', [&](bool) { return level(); });
  }

  Filter filter() {
    for (;;) {
      const char separator = below(2) == 0 ? '/' : '.';
      const std::string text = join(1 + below(5), separator, [&](bool last) {
        const std::size_t choice = below(10);
        if (choice < 3) return std::string{separator == '/' ? "+" : "*"};
        if (choice < 5 && (last || separator == '.')) return std::string{"#"};
        return level();
      });
      if (auto parsed = Filter::parse(text)) return *parsed;  // `+` joined by no `/`, and the like
    }
  }

 private:
  std::string level() {
    static const std::vector<std::string> kLevels{
        "a",
        "b",
        "a",
        "b",
        "$s",
        "exactly16bytes__",
        "exactly16bytes__1",
        "a level of many bytes, for which a trie's node has no room left, and one piece has not either, so two",
        "a level of many bytes, for which a trie's node has no room left, and one piece has not either, so too"};
    return kLevels[below(kLevels.size())];
  }

  template <class Level>
  std::string join(std::size_t levels, char separator, Level&& level) {
    std::string text;
    for (std::size_t i = 0; i < levels; ++i) {
      if (i > 0) text += separator;
      text += level(i + 1 == levels);
    }
    return text.size() <= kTopicBytesMax ? text : "a";
  }

  std::mt19937_64 random_;
};

// Claim:  the trie finds exactly the filters that match by the definition, an id once for each filter.
// Method: 1,000 tries of 1 to 40 random filters, 100 random topics each, against every filter asked in turn.
TEST(FilterTrie, AgreesWithTheDefinition) {
  Words words{1};
  for (int round = 0; round < 1000; ++round) {
    FilterTrie trie;
    std::multimap<std::uint32_t, Filter> filters;
    for (std::uint32_t id = 0, count = static_cast<std::uint32_t>(1 + words.below(40)); id < count; ++id) {
      const Filter random = words.filter();
      trie.insert(random, id);
      filters.emplace(id, random);
    }
    EXPECT_EQ(trie.size(), filters.size());
    for (int i = 0; i < 100; ++i) {
      const std::string topic = words.topic();
      ASSERT_EQ(matches(trie, topic), matches(filters, topic)) << topic;
    }
  }
}

// Claim:  after any mix of inserts and erases the trie finds what remains, and nothing remains of what went.
// Method: 20,000 random steps on one trie, checked against the definition; then all erased, which must leave no
//         match.
TEST(FilterTrie, AgreesWithTheDefinitionUnderChange) {
  Words words{2};
  FilterTrie trie;
  std::multimap<std::uint32_t, Filter> filters;
  const auto erase_random = [&] {
    const auto victim = std::next(filters.begin(), static_cast<std::ptrdiff_t>(words.below(filters.size())));
    EXPECT_TRUE(trie.erase(victim->second, victim->first));
    filters.erase(victim);
  };
  for (int step = 0; step < 20'000; ++step) {
    if (filters.size() < 20 || (filters.size() < 60 && words.below(2) == 0)) {
      const Filter random = words.filter();
      const auto id = static_cast<std::uint32_t>(words.below(30));
      trie.insert(random, id);
      filters.emplace(id, random);
    } else {
      erase_random();
    }
    const std::string topic = words.topic();
    ASSERT_EQ(matches(trie, topic), matches(filters, topic)) << topic;
  }
  while (!filters.empty()) erase_random();
  EXPECT_EQ(trie.size(), 0u);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(matches(trie, words.topic()).empty());
}

// Claim:  erasing what is not there says so and changes nothing.
// Method: unknown id, unknown filter, a filter that is a prefix of a known one, twice the same.
TEST(FilterTrie, ErasesOnlyWhatIsThere) {
  FilterTrie trie;
  trie.insert(filter("a/+/c"), 1);
  trie.insert(filter("a/b"), 2);
  EXPECT_FALSE(trie.erase(filter("a/+/c"), 9));
  EXPECT_FALSE(trie.erase(filter("a/+"), 1));
  EXPECT_FALSE(trie.erase(filter("a/+/c/#"), 1));
  EXPECT_FALSE(trie.erase(filter("a/b"), 1));
  EXPECT_FALSE(trie.erase(filter("b/a"), 2));
  EXPECT_EQ(trie.size(), 2u);
  EXPECT_TRUE(trie.erase(filter("a/+/c"), 1));
  EXPECT_FALSE(trie.erase(filter("a/+/c"), 1));
  EXPECT_EQ(matches(trie, "a/b"), (Ids{2}));
  EXPECT_TRUE(matches(trie, "a/b/c").empty());
}

// Claim:  one filter may have many ids, each reported once and erased by itself.
// Method: 100 ids at one wildcard and one exact filter, erased from the front, the back and the middle.
TEST(FilterTrie, HoldsManyIdsOfOneFilter) {
  for (const char* text : {"a/+", "a/b", "a/#"}) {
    FilterTrie trie;
    Ids expected;
    for (std::uint32_t id = 0; id < 100; ++id) {
      trie.insert(filter(text), id);
      expected.push_back(id);
    }
    for (const std::uint32_t id : {0u, 99u, 50u, 51u, 1u, 98u}) {
      EXPECT_TRUE(trie.erase(filter(text), id));
      expected.erase(std::find(expected.begin(), expected.end(), id));
      EXPECT_EQ(matches(trie, "a/b"), expected);
    }
  }
}

// Claim:  a copy is independent of what it was copied from.
// Method: copy, change each in its own way, ask both.
TEST(FilterTrie, CopiesAreIndependent) {
  FilterTrie first;
  first.insert(filter("a/+"), 1);
  first.insert(filter("a/b"), 2);
  FilterTrie second = first;
  EXPECT_TRUE(first.erase(filter("a/+"), 1));
  second.insert(filter("#"), 3);
  EXPECT_EQ(matches(first, "a/b"), (Ids{2}));
  EXPECT_EQ(matches(second, "a/b"), (Ids{1, 2, 3}));
}

// Claim:  nested `#` cost a polynomial of the topic's length, and no id comes twice.
// Method: filters of many `#` on topics of one repeated level: by naive search 10^14 ways, and the test would not
//         end.
TEST(FilterTrie, NestedManyLevelWildcardsDoNotExplode) {
  FilterTrie trie;
  std::string text = "#";
  for (std::uint32_t id = 0; id < 60; ++id) {
    text += ".a.#";
    trie.insert(filter(text), id);
  }
  std::string topic = "a";
  for (int i = 1; i < 200; ++i) topic += ".a";
  EXPECT_EQ(matches(trie, topic).size(), 60u);
  EXPECT_EQ(matches(trie, "a.a.a").size(), 3u);
  EXPECT_TRUE(matches(trie, topic + ".b.b").size() == 60u);
}

// Claim:  any bytes may be matched: what is no topic name harms nothing.
// Method: no bytes, empty levels, more levels and bytes than a name may have, NULs.
TEST(FilterTrie, TakesAnyBytes) {
  FilterTrie trie;
  trie.insert(filter("#"), 1);
  trie.insert(filter("+/+"), 2);
  trie.insert(filter("a"), 3);
  EXPECT_EQ(matches(trie, "/"), (Ids{1, 2}));
  EXPECT_EQ(matches(trie, ""), (Ids{1}));
  EXPECT_EQ(matches(trie, std::string_view{"a\0", 2}), (Ids{1}));
  EXPECT_TRUE(matches(trie, std::string(kTopicBytesMax, '/')).empty());
  EXPECT_TRUE(matches(trie, std::string(kTopicBytesMax + 1, 'a')).empty());
}

}  // namespace
}  // namespace headrace
