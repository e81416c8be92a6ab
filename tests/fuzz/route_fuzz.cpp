#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "headrace/route/filter.hpp"
#include "headrace/route/filter_trie.hpp"
#include "headrace/route/topic_name.hpp"

// Input: lines. The first is a topic, the others are filters.
// Claim: no bytes crash parser or matcher; on a valid topic the trie finds what each filter's definition says, and
//        after half of the filters are erased it finds the rest.

namespace {

using headrace::Filter;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_line(std::string_view& input) {
  const std::string_view line = input.substr(0, input.find('\n'));
  input.remove_prefix(std::min(line.size() + 1, input.size()));
  return line;
}

void compare(const headrace::FilterTrie& trie, const std::vector<Filter>& filters, std::size_t first,
             std::string_view topic) {
  std::vector<std::uint32_t> found;
  trie.match(topic, found);
  std::sort(found.begin(), found.end());
  std::vector<std::uint32_t> expected;
  for (std::size_t i = first; i < filters.size(); ++i) {
    if (filters[i].matches(topic)) expected.push_back(static_cast<std::uint32_t>(i));
  }
  require(found == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input{reinterpret_cast<const char*>(data), size};
  const std::string_view topic = take_line(input);
  const bool valid = headrace::check_topic_name(topic).has_value();

  headrace::FilterTrie trie;
  std::vector<Filter> filters;
  while (!input.empty()) {
    auto parsed = Filter::parse(take_line(input));
    if (!parsed) continue;
    trie.insert(*parsed, static_cast<std::uint32_t>(filters.size()));
    filters.push_back(*std::move(parsed));
  }
  std::vector<std::uint32_t> ignored;
  trie.match(topic, ignored);
  if (!valid) return 0;

  compare(trie, filters, 0, topic);
  const std::size_t half = filters.size() / 2;
  for (std::size_t i = 0; i < half; ++i) require(trie.erase(filters[i], static_cast<std::uint32_t>(i)));
  compare(trie, filters, half, topic);
  return 0;
}
