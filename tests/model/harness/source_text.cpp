#include "harness/source_text.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>

namespace headrace::model {
namespace {

using Lines = std::vector<std::string>;

const Lines& lines_of(const std::string& file) {
  static std::map<std::string, Lines> files;
  auto [entry, fresh] = files.try_emplace(file);
  if (fresh) {
    std::ifstream in(path_of(file));
    for (std::string line; std::getline(in, line);) entry->second.push_back(line);
  }
  return entry->second;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

struct SplitLine {
  std::string code;
  std::string comment;
};
SplitLine split_comment(const std::string& line) {
  const auto at = line.find("//");
  if (at == std::string::npos) return {line, ""};
  const auto text = line.find_first_not_of("/ <", at);
  return {line.substr(0, at), text == std::string::npos ? "" : line.substr(text)};
}

// Where the object of a call starts, given its opening parenthesis: back over names, members and subscripts.
std::size_t object_start(std::string_view code, std::size_t open) {
  int depth = 0;
  std::size_t i = open;
  for (; i > 0; --i) {
    const char c = code[i - 1];
    if (c == ')' || c == ']') ++depth;
    if ((c == '(' || c == '[') && --depth < 0) break;
    const bool part = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == ':' ||
                      c == ')' || c == ']' || (c == '>' && i > 1 && code[i - 2] == '-') ||
                      (c == '-' && code[i] == '>');
    if (depth == 0 && !part && c != '(' && c != '[') break;
  }
  return i;
}

std::size_t closing(std::string_view code, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (code[i] == '(') ++depth;
    if (code[i] == ')' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

// "bool headrace::Ring<T>::try_push(T&&) [with T = int]" has the innermost name try_push.
std::string innermost_name(std::string_view pretty) {
  const auto end = std::min(pretty.find('('), pretty.size());
  auto start = end;
  while (start > 0 &&
         (std::isalnum(static_cast<unsigned char>(pretty[start - 1])) != 0 || pretty[start - 1] == '_')) {
    --start;
  }
  return std::string(pretty.substr(start, end - start));
}

const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "?";
}

}  // namespace

std::filesystem::path path_of(std::string_view file) {
  return (std::filesystem::path(HEADRACE_COMPILED_IN) / file).lexically_normal();
}

std::string from_root(std::string_view file) {
  constexpr std::string_view root = HEADRACE_ROOT "/";
  const std::string path = path_of(file);
  return path.starts_with(root) ? path.substr(root.size()) : path;
}

SiteText text_of(const Site& site) {
  SiteText text{from_root(site.file), innermost_name(site.function), "", "", site.line};
  const Lines& lines = lines_of(site.file);
  if (site.line == 0 || site.line > lines.size()) return text;

  std::vector<std::string> comments;
  SplitLine first = split_comment(lines[site.line - 1]);
  std::string code = first.code;
  if (!first.comment.empty()) comments.push_back(first.comment);
  const auto open = code.find('(', site.column > 0 ? site.column - 1 : 0);
  if (open == std::string::npos) return text;
  const auto start = object_start(code, open);
  while (closing(code, open) == std::string::npos && text.last_line < lines.size()) {
    const SplitLine next = split_comment(lines[text.last_line++]);
    code += ' ' + next.code.substr(std::min(next.code.find_first_not_of(' '), next.code.size()));
    if (!next.comment.empty()) comments.push_back(next.comment);
  }
  text.code = code.substr(start, closing(code, open) + 1 - start);
  replace_all(text.code, "std::memory_order_", "");
  for (std::string_view spaces = "  "; text.code.find(spaces) != std::string::npos;)
    replace_all(text.code, spaces, " ");
  if (!comments.empty()) {
    text.label = site.operation == Operation::compare_exchange_failure ? comments.back() : comments.front();
  }
  return text;
}

std::string text_of(const Mutation& mutation) {
  const Operation operation = mutation.site.operation;
  const bool fence =
      operation == Operation::fence || operation == Operation::light_fence || operation == Operation::heavy_fence;
  if (fence && mutation.weaker == std::memory_order_relaxed) return "removed";
  return std::string(operation == Operation::compare_exchange_failure ? "on failure " : "") +
         name_of(mutation.site.order) + " -> " + name_of(mutation.weaker);
}

std::vector<OrderLine> order_lines(const char* file) {
  std::vector<OrderLine> found;
  unsigned number = 0;
  for (const std::string& line : lines_of(file)) {
    ++number;
    std::string code = split_comment(line).code;
    if (code.find("memory_order_") == std::string::npos && code.find("asymmetric_fence_") == std::string::npos)
      continue;
    replace_all(code, "std::memory_order_", "");
    code.erase(0, code.find_first_not_of(' '));
    code.erase(code.find_last_not_of(' ') + 1);
    found.push_back({number, code});
  }
  return found;
}

}  // namespace headrace::model
