#include "threshold.hpp"

namespace headrace::program {

Threshold::News Threshold::look(const std::string& key, double number) {
  const std::scoped_lock lock(mutex_);
  const bool was_past = past_.contains(key);
  if (!was_past && is_past(number, limit_)) {
    if (past_.size() < remembered_max_) past_.insert(key);
    return News::raised;
  }
  // At `until` itself it is over, unless that is the limit.
  const bool still = until_ == limit_ ? is_past(number, limit_) : is_past(number, until_) && number != until_;
  if (!was_past || still) return News::none;
  past_.erase(key);
  return News::over;
}

void Threshold::take_back(const std::string& key, News news) {
  const std::scoped_lock lock(mutex_);
  if (news == News::raised) past_.erase(key);
  if (news == News::over && past_.size() < remembered_max_) past_.insert(key);
}

}  // namespace headrace::program
