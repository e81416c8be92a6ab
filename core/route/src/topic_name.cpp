#include "headrace/route/topic_name.hpp"

#include "topic_text.hpp"

namespace headrace {

Status check_topic_name(std::string_view name) {
  constexpr std::string_view kSubject = "topic name";
  if (auto checked = detail::check_topic_text(kSubject, name); !checked) return checked;
  const std::string_view refused = level_separator(name) == '/' ? "+#" : "+#*";
  if (const auto at = name.find_first_of(refused); at != std::string_view::npos) {
    return detail::text_error(kSubject, at, std::string{"'"} + name[at] + "' is a wildcard, for filters only");
  }
  return Nothing{};
}

std::vector<std::string_view> split_levels(std::string_view text) {
  const char separator = level_separator(text);
  std::vector<std::string_view> levels;
  std::size_t start = 0;
  for (std::size_t end; (end = text.find(separator, start)) != std::string_view::npos; start = end + 1) {
    levels.push_back(text.substr(start, end - start));
  }
  levels.push_back(text.substr(start));
  return levels;
}

}  // namespace headrace
