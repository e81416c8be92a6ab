#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"
#include "suggestion.hpp"

namespace headrace::program {

/// Where the text of a config stands, for messages, and the problems found so far.
class ProblemList {
 public:
  ProblemList(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

  /// Shifts the column into the node, behind an opening quote, for problems inside of a string.
  void add(const toml::source_region& where, std::string key, std::string what, std::size_t shift = 0);
  void add(const toml::source_position& where, std::string key, std::string what, std::size_t shift = 0);
  [[nodiscard]] std::vector<ConfigProblem> take();
  [[nodiscard]] bool empty() const noexcept { return problems_.empty(); }

 private:
  std::string_view text_;
  std::string file_;
  std::vector<ConfigProblem> problems_;
};

/// One table of the config. Each key asked for is remembered; finish() complains of all others.
class TomlSection {
 public:
  /// With no table, every key is absent.
  TomlSection(const toml::table* table, std::string name, ProblemList& problems)
      : table_(table), name_(std::move(name)), problems_(problems) {}

  [[nodiscard]] bool present() const noexcept { return table_ != nullptr; }
  [[nodiscard]] bool has(std::string_view key) const { return table_ != nullptr && table_->contains(key); }
  [[nodiscard]] std::optional<std::string> text(std::string_view key);
  /// A path, resolved against the folder; empty where there is none.
  [[nodiscard]] std::filesystem::path file(std::string_view key, const std::filesystem::path& folder);
  [[nodiscard]] std::optional<std::vector<std::string>> texts(std::string_view key);
  [[nodiscard]] std::optional<std::uint64_t> whole(std::string_view key, std::uint64_t least, std::uint64_t most);
  /// `65536`, `"64 KiB"`, `"1 MiB"`.
  [[nodiscard]] std::optional<std::size_t> bytes(std::string_view key, std::size_t least, std::size_t most);
  /// `"500 ms"`, `"30 s"`, `"2 min"`.
  [[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view key);
  /// The node of a key that may have several types.
  [[nodiscard]] const toml::node* node(std::string_view key);
  [[nodiscard]] TomlSection section(std::string_view key);

  template <class Enum, std::size_t N>
  [[nodiscard]] std::optional<Enum> choice(std::string_view key,
                                           const std::array<std::pair<std::string_view, Enum>, N>& words) {
    const auto word = text(key);
    if (!word) return std::nullopt;
    std::vector<std::string_view> names;
    for (const auto& [name, value] : words) {
      if (name == *word) return value;
      names.push_back(name);
    }
    problem(key, fmt::format("'{}' is not one of {}{}", *word, fmt::join(names, ", "), suggestion(*word, names)));
    return std::nullopt;
  }

  /// A string in one of the small languages; its problem is shown at its own column.
  template <class Language, class... Context>
  [[nodiscard]] std::optional<Language> parsed(std::string_view key, Context&... context) {
    const auto source = text(key);
    if (!source) return std::nullopt;
    auto result = Language::parse(*source, context...);
    if (!result) problem(key, result.problem, result.column + 1);
    return std::move(result.value);
  }

  /// The table as TOML, its keys sorted and without comments: equal for tables that say the same.
  [[nodiscard]] std::string written() const;

  void problem(std::string_view key, std::string what, std::size_t shift = 0);
  /// Says that a key which the rest needs is not there.
  void missing(std::string_view key, std::string_view why);
  void finish();

 private:
  [[nodiscard]] std::string path(std::string_view key) const;

  const toml::table* table_;
  std::string name_;
  ProblemList& problems_;
  std::vector<std::string_view> known_;
};

}  // namespace headrace::program
