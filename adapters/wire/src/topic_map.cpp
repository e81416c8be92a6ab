#include "headrace/wire/topic_map.hpp"

#include <algorithm>

#include "headrace/base/utf8.hpp"

namespace headrace::wire {
namespace {

constexpr std::size_t kTopicBytesMax = 1024;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> levels;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    levels.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return levels;
    begin = end + 1;
  }
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

/// What keeps a level from standing on a side with that separator; empty if nothing does.
std::string level_fault(std::string_view level, char separator) {
  if (level.empty()) return "a level is empty";
  const std::string_view banned = separator == '.' ? std::string_view("+#*./\0", 6) : std::string_view("+#/\0", 4);
  const auto at = level.find_first_of(banned);
  if (at == std::string_view::npos) return {};
  return "level " + quoted(level) + " holds " + (level[at] == '\0' ? "NUL" : quoted(level.substr(at, 1)));
}

}  // namespace

bool TopicMap::Pattern::is_one(std::size_t level) const { return levels[level] == (separator == '/' ? "+" : "*"); }
bool TopicMap::Pattern::is_open() const { return levels.back() == "#"; }

Result<TopicMap::Pattern> TopicMap::parse(std::string_view text) {
  Pattern pattern;
  const std::string where = "topic rule " + quoted(text);
  if (text.empty() || text.size() > kTopicBytesMax) return Error{"must have 1 to 1024 bytes", where};
  if (malformed_utf8(text) != std::string_view::npos) return Error{"is not UTF-8", where};
  const bool mqtt = text.find_first_of("/+") != std::string_view::npos || text == "#";
  pattern.separator = mqtt ? '/' : '.';
  for (const std::string_view level : split(text, pattern.separator)) pattern.levels.emplace_back(level);
  for (std::size_t i = 0; i < pattern.levels.size(); ++i) {
    const bool last = i + 1 == pattern.levels.size();
    if (pattern.is_one(i) || (last && pattern.levels[i] == "#")) continue;
    if (std::string fault = level_fault(pattern.levels[i], pattern.separator); !fault.empty()) {
      return Error{std::move(fault), where};
    }
  }
  return pattern;
}

Status TopicMap::add(std::string_view outside, std::string_view inside) {
  auto out = parse(outside);
  if (!out) return out.error();
  auto in = parse(inside);
  if (!in) return in.error();
  const auto wildcards = [](const Pattern& pattern) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < pattern.levels.size(); ++i) count += pattern.is_one(i) ? 1 : 0;
    return count;
  };
  if (wildcards(*out) != wildcards(*in) || out->is_open() != in->is_open()) {
    return Error{"has other wildcards than " + quoted(inside), "topic rule " + quoted(outside)};
  }
  rules_.push_back({std::move(*out), std::move(*in)});
  return Nothing{};
}

bool TopicMap::match(const Pattern& pattern, std::string_view topic, std::vector<std::string_view>& captured) {
  captured.clear();
  const auto levels = split(topic, pattern.separator);
  const std::size_t fixed = pattern.levels.size() - (pattern.is_open() ? 1 : 0);
  if (pattern.is_open() ? levels.size() < fixed : levels.size() != fixed) return false;
  for (std::size_t i = 0; i < fixed; ++i) {
    if (pattern.is_one(i)) {
      captured.push_back(levels[i]);
    } else if (pattern.levels[i] != levels[i]) {
      return false;
    }
  }
  captured.insert(captured.end(), levels.begin() + static_cast<std::ptrdiff_t>(fixed), levels.end());
  return true;
}

Result<std::string> TopicMap::fill(const Pattern& pattern, const std::vector<std::string_view>& captured) {
  std::string topic;
  std::size_t next = 0;
  const auto append = [&](std::string_view level) {
    if (!topic.empty()) topic += pattern.separator;
    topic += level;
  };
  const std::size_t fixed = pattern.levels.size() - (pattern.is_open() ? 1 : 0);
  for (std::size_t i = 0; i < fixed; ++i) append(pattern.is_one(i) ? captured[next++] : pattern.levels[i]);
  for (; next < captured.size(); ++next) append(captured[next]);
  for (const std::string_view level : captured) {
    if (std::string fault = level_fault(level, pattern.separator); !fault.empty())
      return Error{std::move(fault), ""};
  }
  if (topic.empty()) return Error{"nothing is left of it", ""};
  if (topic.size() > kTopicBytesMax) return Error{"is longer than 1024 bytes when mapped", ""};
  return topic;
}

Result<std::string> TopicMap::map(std::string_view topic, Pattern Rule::*from, Pattern Rule::*to) const {
  const std::string where = "topic " + quoted(topic.substr(0, kTopicBytesMax));
  if (topic.empty() || topic.size() > kTopicBytesMax) return Error{"must have 1 to 1024 bytes", where};
  if (malformed_utf8(topic) != std::string_view::npos) return Error{"is not UTF-8", "topic"};
  std::vector<std::string_view> captured;
  for (const Rule& rule : rules_) {
    if (!match(rule.*from, topic, captured)) continue;
    // Both sides must be able to hold each level, or the way back would not find the rule.
    auto mapped = fill(rule.*to, captured);
    if (mapped && !fill(rule.*from, captured)) mapped = fill(rule.*from, captured);
    if (!mapped) return Error{mapped.error().what, where};
    return mapped;
  }
  return Error{"no rule fits", where};
}

Result<std::string> TopicMap::to_inside(std::string_view topic) const {
  return map(topic, &Rule::outside, &Rule::inside);
}

Result<std::string> TopicMap::to_outside(std::string_view topic) const {
  return map(topic, &Rule::inside, &Rule::outside);
}

}  // namespace headrace::wire
