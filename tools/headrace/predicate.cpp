#include "predicate.hpp"

#include <charconv>

namespace headrace::program {

bool read_number(std::string_view text, double& number) noexcept {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

bool Predicate::holds(std::uint32_t node, const Record& record) const {
  const Node& n = nodes_[node];
  switch (n.kind) {
    case Node::Kind::both:
      return holds(n.left, record) && holds(n.right, record);
    case Node::Kind::either:
      return holds(n.left, record) || holds(n.right, record);
    case Node::Kind::negation:
      return !holds(n.left, record);
    case Node::Kind::comparison:
      return compare(n, record);
  }
  return false;
}

bool Predicate::compare(const Node& node, const Record& record) const {
  const Value& left = values_[node.left];
  const Value& right = values_[node.right];
  const auto text_of = [&](const Value& v) {
    return v.kind == Value::Kind::field ? record.find(v.field).text : std::string_view(v.text);
  };
  const auto number_of = [&](const Value& v, double& number) {
    if (v.kind == Value::Kind::number) return number = v.number, true;
    return v.kind == Value::Kind::field && read_number(record.find(v.field).text, number);
  };
  const auto answer = [&](const auto& a, const auto& b) {
    switch (node.op) {
      case Operator::equal:
        return a == b;
      case Operator::not_equal:
        return a != b;
      case Operator::less:
        return a < b;
      case Operator::less_equal:
        return a <= b;
      case Operator::greater:
        return a > b;
      case Operator::greater_equal:
        return a >= b;
      case Operator::contains:
        break;
    }
    return false;
  };
  if (node.op == Operator::contains) return text_of(left).find(text_of(right)) != std::string_view::npos;
  const bool number_asked = left.kind == Value::Kind::number || right.kind == Value::Kind::number;
  const bool text_asked = left.kind == Value::Kind::text || right.kind == Value::Kind::text;
  double a = 0;
  double b = 0;
  if (!text_asked && number_of(left, a) && number_of(right, b)) return answer(a, b);
  return !number_asked && answer(text_of(left), text_of(right));
}

}  // namespace headrace::program
