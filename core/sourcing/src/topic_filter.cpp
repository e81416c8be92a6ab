#include "headrace/sourcing/topic_filter.hpp"

#include <string>
#include <utility>

#include "headrace/route/filter.hpp"

namespace headrace {

Result<TopicFilter> topic_filter(std::string_view pattern) {
  auto filter = Filter::parse(pattern);
  if (!filter) return filter.error();
  return TopicFilter{std::string{pattern}, [filter = std::move(filter).value()](std::string_view topic) {
                       return filter.matches(topic);
                     }};
}

}  // namespace headrace
