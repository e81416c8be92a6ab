//   topic name ──► filters ──► ids of those that match        (one thread)
//
// Question: what does routing a topic name cost, by the filters that there are and by whether the name was seen
// before? Exact names alone and among 100,000 wildcard filters that match none of them. Wildcard rows: a device has one filter, in turn of the forms
//     site/3/device/42/+    site/3/+/42/temperature    +/3/device/42/temperature    site/3/device/42/#
// so that a topic matches one filter, whether there are 100 or 100,000. In the rows `x4` each device has all four.
// Topics come in random order over all devices.
// Peers: a trie of unordered_maps (route_map_trie.hpp), libmosquitto 2.0.11's mosquitto_topic_matches_sub in a
// loop over all filters, std::unordered_map<std::string, ...> looked up by string_view. Ids found are counted and
// checked.

#if defined(HEADRACE_BENCH_MOSQUITTO)
#include <mosquitto.h>
#endif

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/route/filter_trie.hpp"
#include "headrace/route/topic_cache.hpp"
#include "micro/route_map_trie.hpp"

namespace headrace::bench {
namespace {

constexpr std::uint32_t kTopics = 1 << 14;

using Ids = std::vector<std::uint32_t>;

std::string site(std::uint32_t device) { return std::to_string(device % 16); }

/// How many filters there are, and how many of them match each topic: 1 or 4.
struct Filters {
  std::uint32_t count;
  std::uint32_t each;
  [[nodiscard]] std::uint32_t devices() const { return count / each; }
};

std::vector<std::string> wildcard_filters(Filters filters) {
  std::vector<std::string> texts;
  for (std::uint32_t device = 0; device < filters.devices(); ++device) {
    const std::string d = std::to_string(device);
    const std::string forms[] = {
        "site/" + site(device) + "/device/" + d + "/+",
        "site/" + site(device) + "/+/" + d + "/temperature",
        "+/" + site(device) + "/device/" + d + "/temperature",
        "site/" + site(device) + "/device/" + d + "/#",
    };
    for (std::uint32_t i = 0; i < filters.each; ++i) texts.push_back(forms[(device + i) % 4]);
  }
  return texts;
}

std::string topic(std::uint32_t device) {
  return "site/" + site(device) + "/device/" + std::to_string(device) + "/temperature";
}

std::vector<std::string> random_topics(std::uint32_t devices, std::uint32_t count = kTopics) {
  std::mt19937 random{devices};
  std::vector<std::string> topics;
  for (std::uint32_t i = 0; i < count; ++i)
    topics.push_back(topic(static_cast<std::uint32_t>(random() % devices)));
  return topics;
}

/// `find(topic)` answers how many ids it found; the sum must come out at `each` a topic.
template <class Find>
double time_topics(Context& context, const std::vector<std::string>& topics, std::uint64_t each, Find&& find) {
  return context.nanoseconds_each([&](std::uint64_t count) {
    std::uint64_t found = 0;
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < count; ++i) found += find(topics[i & (kTopics - 1)]);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    Context::require(found == count * each, "route: a topic found other ids than its own");
    return took.count();
  });
}

template <class Trie>
double time_trie(Context& context, const Trie& trie, const std::vector<std::string>& topics, std::uint64_t each) {
  Ids ids;
  return time_topics(context, topics, each, [&](const std::string& topic) {
    ids.clear();
    trie.match(topic, ids);
    return ids.size();
  });
}

FilterTrie filter_trie(const std::vector<std::string>& filters) {
  FilterTrie trie;
  for (std::uint32_t id = 0; id < filters.size(); ++id) trie.insert(Filter::parse(filters[id]).value(), id);
  return trie;
}

Measure ours_wildcard(Filters filters) {
  return [=](Context& context) {
    const FilterTrie trie = filter_trie(wildcard_filters(filters));
    return time_trie(context, trie, random_topics(filters.devices()), filters.each);
  };
}

Measure map_trie_wildcard(Filters filters) {
  return [=](Context& context) {
    MapTrie trie;
    std::uint32_t id = 0;
    for (const std::string& filter : wildcard_filters(filters)) trie.insert(filter, id++);
    return time_trie(context, trie, random_topics(filters.devices()), filters.each);
  };
}

#if defined(HEADRACE_BENCH_MOSQUITTO)
Measure mosquitto_loop(Filters filters) {
  return [=](Context& context) {
    const std::vector<std::string> all = wildcard_filters(filters);
    return time_topics(context, random_topics(filters.devices()), filters.each, [&](const std::string& topic) {
      std::uint64_t found = 0;
      for (const std::string& filter : all) {
        bool matches = false;
        mosquitto_topic_matches_sub(filter.c_str(), topic.c_str(), &matches);
        found += matches ? 1 : 0;
      }
      return found;
    });
  };
}
#endif

void few(Row& row, std::uint32_t each, std::optional<Target> of_mosquitto) {
  const Filters filters{.count = 100, .each = each};
  row.ours(ours_wildcard(filters));
  row.peer("trie of unordered_maps", map_trie_wildcard(filters), everywhere(1 / 1.5));
#if defined(HEADRACE_BENCH_MOSQUITTO)
  row.peer("libmosquitto 2.0.11 matcher in a loop", mosquitto_loop(filters), of_mosquitto);
#else
  static_cast<void>(of_mosquitto);
#endif
}

void many(Row& row, std::uint32_t each) {
  const Filters filters{.count = 100'000, .each = each};
  row.ours(ours_wildcard(filters));
  row.peer("trie of unordered_maps", map_trie_wildcard(filters), everywhere(1 / 1.5));
  row.peer("headrace with 100 filters", ours_wildcard({.count = 100, .each = each}), everywhere(5));
}

HEADRACE_BENCH_ROW("route.wildcard.100", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  few(row, 1, everywhere(1 / 30.0));
}
HEADRACE_BENCH_ROW("route.wildcard.100k", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  many(row, 1);
}
HEADRACE_BENCH_ROW("route.wildcard.100.x4", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  few(row, 4, {});
}
HEADRACE_BENCH_ROW("route.wildcard.100k.x4", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  many(row, 4);
}

constexpr std::uint32_t kExact = 1000;

std::vector<std::string> exact_filters() {
  std::vector<std::string> filters;
  for (std::uint32_t device = 0; device < kExact; ++device) filters.push_back(topic(device));
  return filters;
}

HEADRACE_BENCH_ROW("route.exact", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours([](Context& context) {
    const FilterTrie trie = filter_trie(exact_filters());
    return time_trie(context, trie, random_topics(kExact), 1);
  });
  row.peer("unordered_map of names to ids", [](Context& context) {
    StringMap<Ids> map;
    for (const std::string& name : exact_filters()) map[name].push_back(static_cast<std::uint32_t>(map.size()));
    Ids ids;
    return time_topics(context, random_topics(kExact), 1, [&](const std::string& topic) {
      ids.clear();
      if (const auto found = map.find(std::string_view{topic}); found != map.end()) {
        ids.insert(ids.end(), found->second.begin(), found->second.end());
      }
      return ids.size();
    });
  });
}

// First seen: the wildcards must be asked, and a walk ends where no filter goes on. Later the cache answers.
HEADRACE_BENCH_ROW("route.exact.among_wildcards", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours([](Context& context) {
    auto filters = exact_filters();
    for (std::uint32_t i = 0; i < 100'000; ++i)
      filters.push_back("site/" + site(i) + "/machine/" + std::to_string(i) + "/+");
    const FilterTrie trie = filter_trie(filters);
    return time_trie(context, trie, random_topics(kExact), 1);
  });
  row.peer("headrace without the 100,000 wildcards", [](Context& context) {
    const FilterTrie trie = filter_trie(exact_filters());
    return time_trie(context, trie, random_topics(kExact), 1);
  });
}

HEADRACE_BENCH_ROW("route.cached", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours([](Context& context) {
    TopicCache<std::uint32_t> cache{2 * kExact};
    for (std::uint32_t device = 0; device < kExact; ++device) {
      Context::require(cache.insert(topic(device), 1) == CacheInsert::inserted, "route: the cache took no name");
    }
    return time_topics(context, random_topics(kExact), 1,
                       [&](const std::string& topic) { return *cache.find(topic); });
  });
  row.peer("unordered_map, never written", [](Context& context) {
    StringMap<std::uint32_t> map;
    for (std::uint32_t device = 0; device < kExact; ++device) map[topic(device)] = 1;
    return time_topics(context, random_topics(kExact), 1,
                       [&](const std::string& topic) { return map.find(std::string_view{topic})->second; });
  });
  row.peer(
      "the aim: 20 ns", [](Context&) { return 20.0; }, everywhere(1));
}

}  // namespace
}  // namespace headrace::bench
