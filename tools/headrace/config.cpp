#include "config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "config_reader.hpp"
#include "toml_section.hpp"
#include "toml_text.hpp"

namespace headrace::program {

namespace fs = std::filesystem;
namespace {

/// Whether a line may hold a broker's address or password, which no log may show. Rather one too many.
bool may_hold_credentials(std::string_view line) {
  constexpr std::string_view kSigns[] = {"url", "password", "SharedAccess", "Endpoint", "@"};
  return std::ranges::any_of(kSigns,
                             [&](std::string_view sign) { return line.find(sign) != std::string_view::npos; });
}

}  // namespace

std::string ConfigProblem::message() const {
  if (line == 0) return fmt::format("{}: {}", file, what);
  std::string text = fmt::format("{}:{}:{}: ", file, line, column);
  if (!key.empty()) text += key + ": ";
  text += what;
  if (line_text.empty() || may_hold_credentials(line_text)) return text;
  // Tabs are kept, so that the caret stands below its character wherever tab stops are.
  std::string before = line_text.substr(0, column == 0 ? 0 : column - 1);
  std::replace_if(
      before.begin(), before.end(), [](char c) { return c != '\t'; }, ' ');
  return fmt::format("{}\n  {}\n  {}^", text, line_text, before);
}

ConfigOutcome load_config(const fs::path& file, const fs::path& output_folder) {
  std::error_code error;
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (fs::is_directory(file, error) || !in || !(text << in.rdbuf())) {
    const char* what = fs::exists(file, error) ? "cannot be read, or is empty" : "no such file";
    return {{}, {{file.string(), 0, 0, {}, what, {}}}};
  }
  return parse_config(text.str(), file, output_folder);
}

ConfigOutcome parse_config(std::string_view text, const fs::path& file, const fs::path& output_folder) {
  ConfigOutcome outcome;
  outcome.config.file = file;
  ProblemList problems(text, file.string());
  try {
    const toml::table table = parse_toml(text, file.string());
    TomlSection root(&table, "", problems);
    read_config(root, problems, output_folder, outcome.config);
  } catch (const toml::parse_error& error) {
    problems.add(error.source(), "", fmt::format("not TOML: {}", error.description()));
  }
  outcome.problems = problems.take();
  return outcome;
}

}  // namespace headrace::program
