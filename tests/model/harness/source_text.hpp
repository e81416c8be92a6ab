#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mutation.hpp"

namespace headrace::model {

/// How a site reads in its file, free of line numbers, so that it is still found after edits elsewhere.
struct SiteText {
  std::string file;      ///< from the root of the project
  std::string function;  ///< the innermost name alone
  std::string code;      ///< the call, its orders shortened: head_.load(acquire)
  std::string label;     ///< its comment: P2 <- C2
  unsigned last_line = 0;
};
[[nodiscard]] SiteText text_of(const Site& site);

/// What a mutation does to its site: "acquire -> relaxed", "removed".
[[nodiscard]] std::string text_of(const Mutation& mutation);

/// A line of a file that writes an order or a fence, outside comments.
struct OrderLine {
  unsigned line = 0;
  std::string code;
};
[[nodiscard]] std::vector<OrderLine> order_lines(const char* file);

/// A site's file as this machine knows it: a compiler cache makes names relative to where was compiled.
[[nodiscard]] std::filesystem::path path_of(std::string_view file);
[[nodiscard]] std::string from_root(std::string_view file);

}  // namespace headrace::model
