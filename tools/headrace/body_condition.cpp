#include "body_condition.hpp"

#include <utility>

namespace headrace::program {

Parsed<BodyCondition> BodyCondition::parse(std::string_view text) {
  BodyCondition condition;
  auto predicate = Predicate::parse(text, condition.fields_);
  if (!predicate) return Parsed<BodyCondition>::failed(predicate.column, predicate.problem);
  condition.predicate_ = std::move(predicate.value);
  return {std::move(condition), 0, {}};
}

Result<bool> BodyCondition::operator()(std::span<const std::byte> body) {
  const std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
  const auto fault = [](std::string what) { return Error{std::move(what), "body"}; };
  if (text.size() > NdjsonOptions{}.record_bytes_max) return fault("longer than a megabyte");
  if (std::string problem = reader_.read(text); !problem.empty()) return fault(std::move(problem));
  if (!schema_ || schema_->names() != reader_.names()) {
    if (std::string problem = reader_.duplicate(); !problem.empty()) return fault(std::move(problem));
    schema_.emplace(reader_.names(), fields_);
  }
  return (*predicate_)(reader_.record(*schema_, 0));
}

}  // namespace headrace::program
