#include "json_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "json_text.hpp"

namespace headrace::program {
namespace {

using nlohmann::json;

/// Fills names and values while the parser runs, without a tree in between.
class Flattener final : public json::json_sax_t {
 public:
  Flattener(const NdjsonOptions& options, RecordBuilder& values, std::vector<std::string>& names,
            std::vector<std::string>& empty_members)
      : options_(options), values_(values), names_(names), empty_members_(empty_members) {
    values_.clear();
    empty_members_.clear();
  }

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] std::size_t names_used() const noexcept { return used_; }

  bool null() override { return value(FieldKind::null, in_array() ? "null" : ""); }
  bool boolean(bool v) override { return value(FieldKind::boolean, v ? "true" : "false"); }
  bool number_integer(std::int64_t v) override { return value(FieldKind::number, fmt::format_int(v).c_str()); }
  bool number_unsigned(std::uint64_t v) override { return value(FieldKind::number, fmt::format_int(v).c_str()); }
  bool number_float(double, const std::string& text) override { return value(FieldKind::number, text); }
  bool binary(json::binary_t&) override { return fail("binary value"); }

  bool string(std::string& v) override {
    if (!in_array()) return value(FieldKind::text, v);
    quoted_.clear();
    append_json_string(quoted_, v);
    return value(FieldKind::json, quoted_);
  }

  bool key(std::string& name) override {
    if (in_array()) {
      separate();
      append_json_string(array_text_, name);
      array_text_.push_back(':');
      after_key_ = true;
      return true;
    }
    path_.resize(prefixes_.back());
    path_.append(name);
    return true;
  }

  bool start_object(std::size_t) override {
    if (!enter()) return false;
    if (in_array()) return open('{');
    if (depth_ == 2) used_before_member_ = used_;
    if (depth_ > 1) path_.push_back('.');
    prefixes_.push_back(path_.size());
    return true;
  }

  bool end_object() override {
    --depth_;
    if (in_array()) return close('}');
    if (depth_ == 1 && used_ == used_before_member_) {
      empty_members_.push_back(path_.substr(0, prefixes_.back() - 1));
    }
    prefixes_.pop_back();
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ == 0) return fail("not a JSON object");
    if (!enter()) return false;
    if (!in_array()) {
      array_depth_ = depth_;
      array_text_.clear();
    }
    return open('[');
  }

  bool end_array() override {
    const bool outermost = array_depth_ == depth_--;
    close(']');
    if (!outermost) return true;
    array_depth_ = 0;
    return value(FieldKind::json, array_text_);
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error …": the line is ours to say.
    std::string_view what = error.what();
    if (const auto colon = what.find(": "); colon != std::string_view::npos) what.remove_prefix(colon + 2);
    return fail(fmt::format("JSON, column {}: {}", position, what));
  }

 private:
  [[nodiscard]] bool in_array() const noexcept { return array_depth_ != 0; }

  bool enter() {
    return ++depth_ <= options_.depth_max || fail(fmt::format("nested deeper than {} levels", options_.depth_max));
  }

  bool open(char bracket) {
    separate();
    array_text_.push_back(bracket);
    return true;
  }

  bool close(char bracket) {
    array_text_.push_back(bracket);
    return true;
  }

  void separate() {
    const char before = array_text_.empty() ? '[' : array_text_.back();
    if (before != '[' && before != '{' && !after_key_) array_text_.push_back(',');
    after_key_ = false;
  }

  bool value(FieldKind kind, std::string_view text) {
    if (depth_ == 0) return fail("not a JSON object");
    if (in_array()) {
      separate();
      array_text_.append(text);
      return true;
    }
    if (used_ == options_.fields_max) return fail(fmt::format("more than {} fields", options_.fields_max));
    if (used_ == names_.size()) names_.emplace_back();
    names_[used_++].assign(path_);
    values_.add(kind, text);
    return true;
  }

  bool fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  const NdjsonOptions& options_;
  RecordBuilder& values_;
  std::vector<std::string>& names_;
  std::vector<std::string>& empty_members_;
  std::size_t used_ = 0;
  std::size_t used_before_member_ = 0;  // of the object at the top that was begun last
  std::string path_;
  std::vector<std::size_t> prefixes_;
  std::size_t depth_ = 0;
  std::size_t array_depth_ = 0;  // of the outermost array around us, 0 outside of any
  std::string array_text_;
  std::string quoted_;
  bool after_key_ = false;
  std::string problem_;
};

}  // namespace

std::string JsonReader::read(std::string_view text) {
  // The parser would take the one as the end of the text, and skip the other.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return fmt::format("JSON, column {}: a NUL byte", nul + 1);
  }
  if (text.starts_with("\xEF\xBB\xBF")) return "JSON, column 1: a byte order mark";
  Flattener flattener(options_, values_, names_, empty_members_);
  if (!json::sax_parse(text, &flattener)) return flattener.problem();
  names_.resize(flattener.names_used());
  return {};
}

bool JsonReader::has_member(std::string_view name) const noexcept {
  const auto is_it = [&](std::string_view field) {
    return field.starts_with(name) && (field.size() == name.size() || field[name.size()] == '.');
  };
  return std::ranges::any_of(names_, is_it) || std::ranges::find(empty_members_, name) != empty_members_.end();
}

std::string JsonReader::duplicate() const {
  std::vector<std::string> names = names_;
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? std::string() : fmt::format("key '{}' occurs twice", *twice);
}

}  // namespace headrace::program
