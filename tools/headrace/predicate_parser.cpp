#include <fmt/format.h>

#include <cctype>
#include <optional>

#include "predicate.hpp"

namespace headrace::program {

/// Recursive descent. The first problem found is kept and every function unwinds with nullopt.
class PredicateParser {
 public:
  PredicateParser(std::string_view text, FieldTable& mentioned) : text_(text), mentioned_(mentioned) {
    predicate_.source_ = text;
  }

  Parsed<Predicate> run() {
    next();
    const auto root = condition();
    if (root && token_.kind != Kind::end) complain("expected 'and', 'or' or the end here");
    if (!problem_.empty()) return Parsed<Predicate>::failed(problem_at_, problem_);
    predicate_.root_ = *root;
    return {std::move(predicate_), 0, {}};
  }

 private:
  using Node = Predicate::Node;
  using Value = Predicate::Value;
  using Operator = Predicate::Operator;
  using Index = std::optional<std::uint32_t>;
  enum class Kind { end, word, field, number, text, comparison, open, close, broken };
  struct Token {
    Kind kind = Kind::end;
    std::size_t at = 0;
    std::string text;
    double number = 0;
    Operator op{};
  };

  Index condition() {
    return chain("or", Node::Kind::either, [this] { return term(); });
  }
  Index term() {
    return chain("and", Node::Kind::both, [this] { return factor(); });
  }

  template <class Operand>
  Index chain(std::string_view word, Node::Kind kind, Operand operand) {
    Index left = operand();
    while (left && is_word(word)) {
      next();
      const Index right = operand();
      left = right ? node({kind, {}, *left, *right}) : right;
    }
    return left;
  }

  Index factor() {
    const bool negated = is_word("not");
    if (!negated && token_.kind != Kind::open) return comparison();
    if (++depth_ > Predicate::kDepthMax) return complain("nested too deeply");
    next();
    Index inner = negated ? factor() : condition();
    --depth_;
    if (!inner) return inner;
    if (negated) return node({Node::Kind::negation, {}, *inner, 0});
    if (token_.kind != Kind::close) return complain("expected ')'");
    next();
    return inner;
  }

  Index comparison() {
    const Index left = value("a condition starts with a field, a number or a text");
    if (!left) return left;
    if (token_.kind != Kind::comparison) return complain("expected one of == != < <= > >= contains");
    const Operator op = token_.op;
    next();
    const Index right = value("expected a field, a number or a text to compare with");
    return right ? node({Node::Kind::comparison, op, *left, *right}) : right;
  }

  Index value(const char* expected) {
    Value parsed;
    switch (token_.kind) {
      case Kind::number:
        parsed = {Value::Kind::number, {}, token_.number, {}};
        break;
      case Kind::text:
        parsed = {Value::Kind::text, {}, 0, token_.text};
        break;
      case Kind::field:
        parsed = {Value::Kind::field, mentioned_.intern(token_.text), 0, {}};
        break;
      case Kind::word:
        if (is_word("and") || is_word("or") || is_word("not")) return complain(expected);
        if (is_word("true") || is_word("false")) {
          parsed = {Value::Kind::text, {}, 0, token_.text};
        } else {
          parsed = {Value::Kind::field, mentioned_.intern(token_.text), 0, {}};
        }
        break;
      default:
        return complain(expected);
    }
    next();
    predicate_.values_.push_back(std::move(parsed));
    return static_cast<std::uint32_t>(predicate_.values_.size() - 1);
  }

  Index node(Node n) {
    // Chains of 'and' lean to the left, and evaluation follows them down: bound what it may need of the stack.
    if (predicate_.nodes_.size() == kNodesMax) return complain("too long a condition");
    predicate_.nodes_.push_back(n);
    return static_cast<std::uint32_t>(predicate_.nodes_.size() - 1);
  }

  std::nullopt_t complain(std::string what) {
    if (problem_.empty()) {
      problem_at_ = token_.at;
      problem_ = token_.kind == Kind::broken ? token_.text : std::move(what);
    }
    return std::nullopt;
  }

  [[nodiscard]] bool is_word(std::string_view word) const {
    return token_.kind == Kind::word && token_.text == word;
  }

  void next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    token_ = {Kind::end, at_, {}, 0, {}};
    if (at_ == text_.size()) return;
    const char c = text_[at_];
    const auto u = static_cast<unsigned char>(c);
    if (c == '(' || c == ')') {
      token_.kind = c == '(' ? Kind::open : Kind::close;
      ++at_;
    } else if (c == '\'' || c == '"' || c == '`') {
      quoted(c);
    } else if (std::isdigit(u) != 0 || c == '-' || c == '+' || c == '.') {
      number();
    } else if (std::isalpha(u) != 0 || c == '_' || u >= 0x80) {
      while (at_ < text_.size() && in_word(text_[at_])) token_.text.push_back(text_[at_++]);
      token_.kind = Kind::word;
      if (token_.text == "contains") token_.kind = Kind::comparison, token_.op = Operator::contains;
    } else {
      symbol(c);
    }
  }

  static bool in_word(char c) {
    const auto u = static_cast<unsigned char>(c);
    return std::isalnum(u) != 0 || c == '_' || c == '.' || u >= 0x80;
  }

  void quoted(char quote) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        if (at_ == text_.size() || text_[at_] != quote) {
          token_.kind = quote == '`' ? Kind::field : Kind::text;
          return;
        }
      }
      token_.text.push_back(text_[at_]);
    }
    token_.kind = Kind::broken;
    token_.text = fmt::format("this {} is never closed", quote);
  }

  void number() {
    std::size_t end = at_ + 1;
    const auto exponent = [&] { return text_[end - 1] == 'e' || text_[end - 1] == 'E'; };
    while (end < text_.size() && (in_word(text_[end]) || (exponent() && (text_[end] == '-' || text_[end] == '+'))))
      ++end;
    const std::string_view digits = text_.substr(at_, end - at_);
    token_.kind = read_number(digits, token_.number) ? Kind::number : Kind::broken;
    if (token_.kind == Kind::broken) token_.text = fmt::format("'{}' is not a number", digits);
    at_ = end;
  }

  void symbol(char c) {
    const bool equal = at_ + 1 < text_.size() && text_[at_ + 1] == '=';
    token_.kind = Kind::comparison;
    switch (c) {
      case '<':
        token_.op = equal ? Operator::less_equal : Operator::less;
        break;
      case '>':
        token_.op = equal ? Operator::greater_equal : Operator::greater;
        break;
      case '=':
        token_.op = Operator::equal;
        break;
      case '!':
        token_.op = Operator::not_equal;
        if (equal) break;
        [[fallthrough]];
      default:
        token_.kind = Kind::broken;
        token_.text = fmt::format("'{}' means nothing here", c);
        if (c == '&' || c == '|' || c == '!') token_.text += "; write 'and', 'or', 'not'";
        break;
    }
    at_ += equal ? 2 : 1;
  }

  static constexpr std::size_t kNodesMax = 1024;

  std::string_view text_;
  FieldTable& mentioned_;
  std::size_t at_ = 0;
  Token token_;
  std::size_t depth_ = 0;
  Predicate predicate_;
  std::string problem_;
  std::size_t problem_at_ = 0;
};

Parsed<Predicate> Predicate::parse(std::string_view text, FieldTable& mentioned) {
  return PredicateParser(text, mentioned).run();
}

}  // namespace headrace::program
