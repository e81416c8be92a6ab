#include "body_condition.hpp"

#include <utility>

namespace headrace::program {

Parsed<BodyCondition> BodyCondition::parse(std::string_view text) {
  BodyCondition condition;
  auto predicate = Predicate::parse(text, condition.fields_.mentioned());
  if (!predicate) return Parsed<BodyCondition>::failed(predicate.column, predicate.problem);
  condition.predicate_ = std::move(predicate.value);
  return {std::move(condition), 0, {}};
}

Result<bool> BodyCondition::operator()(std::span<const std::byte> body) {
  const auto record = fields_.read(body);
  if (!record) return record.error();
  return (*predicate_)(*record);
}

}  // namespace headrace::program
