#include "headrace/route/filter.hpp"

#include <algorithm>
#include <vector>

#include "headrace/route/topic_name.hpp"
#include "topic_text.hpp"

namespace headrace {
namespace {

constexpr std::string_view kFilterSubject = "filter";

Filter::Syntax syntax_of(std::string_view text) {
  const bool mqtt = text == "#" || text.find_first_of("/+") != std::string_view::npos;
  return mqtt ? Filter::Syntax::mqtt : Filter::Syntax::amqp;
}

/// A literal level holds no byte that would be a wildcard if it stood alone.
Status check_literal(std::string_view level, std::size_t offset, Filter::Syntax syntax) {
  const std::string_view wildcards = syntax == Filter::Syntax::mqtt ? "+#" : "*#";
  const auto at = level.find_first_of(wildcards);
  if (at == std::string_view::npos) return Nothing{};
  return detail::text_error(
      kFilterSubject, offset + at,
      std::string{"'"} + level[at] + "' must fill its level, this one is '" + std::string{level} + "'");
}

Status check_level(std::string_view level, std::size_t offset, std::string_view text, Filter::Syntax syntax) {
  const bool mqtt = syntax == Filter::Syntax::mqtt;
  const bool last = offset + level.size() == text.size();
  if (mqtt && level == "*") {
    return detail::text_error(kFilterSubject, offset,
                              "'*' is AMQP's wildcard and '/' or '+' make this filter MQTT's: write '+'");
  }
  if (level == "#" && mqtt && !last) {
    return detail::text_error(kFilterSubject, offset, "'#' must be the last level of an MQTT filter");
  }
  return Filter::level(level) == Filter::Level::literal ? check_literal(level, offset, syntax) : Nothing{};
}

/// `a.+` means nothing in either syntax: as MQTT it is one level that holds a '+', as AMQP a plus sign.
Status check_separator(std::string_view text) {
  const auto plus = text.find('+');
  if (plus == std::string_view::npos || level_separator(text) == '/' || text.find('.') == std::string_view::npos) {
    return Nothing{};
  }
  return detail::text_error(kFilterSubject, plus,
                            "'+' is MQTT's wildcard, where '/' separates: write '*', or separate by '/'");
}

}  // namespace

Result<Filter> Filter::parse(std::string_view text) {
  if (auto checked = detail::check_topic_text(kFilterSubject, text); !checked) return checked.error();
  if (auto checked = check_separator(text); !checked) return checked.error();

  Filter filter{text, syntax_of(text)};
  for (const std::string_view level : split_levels(text)) {
    const auto offset = static_cast<std::size_t>(level.data() - text.data());
    if (auto checked = check_level(level, offset, text, filter.syntax_); !checked) return checked.error();
    if (Filter::level(level) == Level::literal) continue;
    filter.exact_ = false;
    if (offset == 0) filter.starts_with_wildcard_ = true;
  }
  return filter;
}

bool Filter::matches(std::string_view topic) const {
  if (syntax_ == Syntax::mqtt && starts_with_wildcard_ && topic.starts_with('$')) return false;

  // reached[n]: the levels of the filter so far match the first n levels of the topic.
  const std::vector<std::string_view> names = split_levels(topic);
  std::vector<bool> reached(names.size() + 1);
  reached[0] = true;
  for (const std::string_view level : split_levels(text_)) {
    const std::vector<bool> before = reached;
    const Level kind = Filter::level(level);
    for (std::size_t n = 0; n < reached.size(); ++n) {
      if (kind == Level::many) {
        reached[n] = before[n] || (n > 0 && reached[n - 1]);
      } else {
        reached[n] = n > 0 && before[n - 1] && (kind == Level::one || names[n - 1] == level);
      }
    }
  }
  return reached.back();
}

}  // namespace headrace
