#include "toml_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace headrace::program {
namespace {

/// The delimiters of TOML's strings, longer ones first.
constexpr std::array<std::string_view, 4> kQuotes = {R"(""")", "'''", "\"", "'"};

constexpr bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 0x80; }
constexpr bool begins_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }

/// Goes through a text from character to character, and knows whether it is inside of a string or a comment.
class Walk {
 public:
  explicit Walk(std::string_view text) : rest_(text) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";  // of the byte order
    if (rest_.starts_with(kMark)) rest_.remove_prefix(kMark.size());
  }

  /// The first character beyond ASCII outside of strings and comments.
  std::optional<toml::source_position> first_foreign() {
    while (!rest_.empty()) {
      if (quote_.empty()) {
        if (!is_ascii(rest_.front())) return at_;
        if (rest_.front() == '#') {
          pass(std::min(rest_.find('\n'), rest_.size()));
        } else {
          open();
        }
      } else {
        close();
      }
    }
    return std::nullopt;
  }

 private:
  void pass(std::size_t bytes) {
    for (const char c : rest_.substr(0, bytes)) {
      if (c == '\n') {
        ++at_.line;
        at_.column = 1;
      } else if (begins_character(c)) {
        ++at_.column;
      }
    }
    rest_.remove_prefix(std::min(bytes, rest_.size()));
  }
  void open() {
    const auto quote = std::ranges::find_if(kQuotes, [this](std::string_view q) { return rest_.starts_with(q); });
    if (quote != kQuotes.end()) quote_ = *quote;
    pass(quote_.empty() ? 1 : quote_.size());
  }
  /// A string of one line ends with its line, if it has no end: what is wrong there is for the parser to say.
  void close() {
    const bool is_long = quote_.size() == 3;
    const char mark = quote_.front();
    if (rest_.starts_with(quote_)) {
      // Up to two marks more belong to a long string that ends with them.
      const std::size_t marks = std::min(rest_.find_first_not_of(mark), rest_.size());
      pass(is_long ? std::min<std::size_t>(marks, 5) : 1);
      quote_ = {};
    } else if (mark == '"' && rest_.front() == '\\') {
      pass(2);
    } else {
      if (rest_.front() == '\n' && !is_long) quote_ = {};
      pass(1);
    }
  }

  std::string_view rest_;
  std::string_view quote_;  ///< of the string that this is in; empty: in none
  toml::source_position at_{1, 1};
};

}  // namespace

toml::table parse_toml(std::string_view text, std::string_view file) {
  // TOML has ASCII only there; toml++ 3.3 takes some other characters for parts of a key, and ends in undefined behaviour.
  if (const auto foreign = Walk(text).first_foreign()) {
    throw toml::parse_error("only ASCII may stand outside of strings and comments", *foreign);
  }
  return toml::parse(text, file);
}

}  // namespace headrace::program
