#include "toml_section.hpp"

#include <algorithm>
#include <sstream>

namespace headrace::program {
namespace {

/// Splits `64 KiB` into 64 and `KiB`.
std::optional<std::pair<double, std::string_view>> number_with_unit(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  if (!read_number(text.substr(0, digits), number)) return std::nullopt;
  text.remove_prefix(digits);
  while (text.starts_with(' ')) text.remove_prefix(1);
  return std::pair{number, text};
}

}  // namespace

void ProblemList::add(const toml::source_region& where, std::string key, std::string what, std::size_t shift) {
  // A string that spans lines has no single column to point into.
  add(where.begin, std::move(key), std::move(what), where.begin.line == where.end.line ? shift : 0);
}

void ProblemList::add(const toml::source_position& where, std::string key, std::string what, std::size_t shift) {
  std::string_view rest = text_;
  for (std::size_t line = 1; line < where.line; ++line) {
    const std::size_t end = rest.find('\n');
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  const std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
  problems_.push_back(
      {file_, where.line, where.column + shift, std::move(key), std::move(what), std::string(line)});
}

std::vector<ConfigProblem> ProblemList::take() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  return std::move(problems_);
}

const toml::node* TomlSection::node(std::string_view key) {
  known_.push_back(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

std::optional<std::string> TomlSection::text(std::string_view key) {
  const toml::node* found = node(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* value = found->as_string()) return value->get();
  problem(key, "expected a text in quotes");
  return std::nullopt;
}

std::filesystem::path TomlSection::file(std::string_view key, const std::filesystem::path& folder) {
  const std::string path = text(key).value_or("");
  return path.empty() ? std::filesystem::path() : (folder / path).lexically_normal();
}

std::optional<std::vector<std::string>> TomlSection::texts(std::string_view key) {
  const toml::node* found = node(key);
  if (found == nullptr) return std::nullopt;
  std::vector<std::string> all;
  const auto* array = found->as_array();
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
    const auto* value = (*array)[i].as_string();
    if (value == nullptr) break;
    all.push_back(value->get());
  }
  if (array != nullptr && all.size() == array->size() && !all.empty()) return all;
  problem(key, "expected a list of texts");
  return std::nullopt;
}

std::optional<std::uint64_t> TomlSection::whole(std::string_view key, std::uint64_t least, std::uint64_t most) {
  const toml::node* found = node(key);
  if (found == nullptr) return std::nullopt;
  const auto* value = found->as_integer();
  const bool in_range = value != nullptr && value->get() >= 0 &&
                        static_cast<std::uint64_t>(value->get()) >= least &&
                        static_cast<std::uint64_t>(value->get()) <= most;
  if (in_range) return static_cast<std::uint64_t>(value->get());
  problem(key, fmt::format("expected a whole number from {} to {}", least, most));
  return std::nullopt;
}

std::optional<std::size_t> TomlSection::bytes(std::string_view key, std::size_t least, std::size_t most) {
  const toml::node* found = node(key);
  if (found == nullptr) return std::nullopt;
  double size = -1;
  if (const auto* number = found->as_integer()) size = static_cast<double>(number->get());
  if (const auto* text = found->as_string()) {
    const auto parts = number_with_unit(text->get());
    const std::string_view unit = parts ? parts->second : "?";
    const double factor = unit.empty() || unit == "B" ? 1
                          : unit == "KiB"             ? 1024
                          : unit == "MiB"             ? 1024 * 1024
                                                      : -1;
    size = parts ? parts->first * factor : -1;
  }
  if (size >= static_cast<double>(least) && size <= static_cast<double>(most))
    return static_cast<std::size_t>(size);
  problem(key, fmt::format("expected a size from {} to {} bytes, such as 65536 or \"64 KiB\"", least, most));
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> TomlSection::duration(std::string_view key) {
  const auto source = text(key);
  if (!source) return std::nullopt;
  constexpr double kMost = 365.0 * 24 * 3600 * 1000;
  const auto parts = number_with_unit(*source);
  const std::string_view unit = parts ? parts->second : "?";
  const double factor = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "min" ? 60'000 : -1;
  const double ms = parts ? parts->first * factor : -1;
  if (ms >= 0 && ms <= kMost) return std::chrono::milliseconds{static_cast<std::int64_t>(ms)};
  problem(key, "expected a time such as \"500 ms\", \"30 s\" or \"2 min\"");
  return std::nullopt;
}

TomlSection TomlSection::section(std::string_view key) {
  const toml::node* found = node(key);
  if (found != nullptr && !found->is_table())
    problem(key, fmt::format("expected a table, as [{}] begins one", path(key)));
  return {found == nullptr ? nullptr : found->as_table(), path(key), problems_};
}

std::string TomlSection::written() const {
  std::ostringstream text;
  if (table_ != nullptr) text << toml::toml_formatter(*table_);
  return text.str();
}

void TomlSection::problem(std::string_view key, std::string what, std::size_t shift) {
  const toml::node* found = table_ == nullptr ? nullptr : table_->get(key);
  problems_.add(found == nullptr ? toml::source_region{} : found->source(), path(key), std::move(what), shift);
}

void TomlSection::missing(std::string_view key, std::string_view why) {
  const toml::source_position where = table_ == nullptr ? toml::source_position{1, 1} : table_->source().begin;
  problems_.add(where, path(key), fmt::format("missing: {}", why));
}

void TomlSection::finish() {
  if (table_ == nullptr) return;
  for (const auto& [key, value] : *table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    problems_.add(key.source(), path(key.str()), fmt::format("unknown key{}", suggestion(key.str(), known_)));
  }
}

std::string TomlSection::path(std::string_view key) const {
  return name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
}

}  // namespace headrace::program
