#include "text_table.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "json_text.hpp"

namespace headrace::program {
namespace {

/// Characters, not bytes: names may be in any script.
std::size_t width(std::string_view text) {
  std::size_t characters = 0;
  while (!text.empty()) {
    text.remove_prefix(std::max<std::size_t>(1, utf8_sequence(text)));
    ++characters;
  }
  return characters;
}

}  // namespace

std::string TextTable::text() const {
  std::string out;
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns);
  std::vector<bool> right(columns, rows_.size() > 1);
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const std::string& cell = rows_[row][column];
      widths[column] = std::max(widths[column], width(cell));
      const bool number =
          !cell.empty() && (std::isdigit(static_cast<unsigned char>(cell.front())) != 0 || cell == "-");
      if (row > 0 && !number) right[column] = false;
    }
  }
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < columns; ++column) {
      const std::string fill(widths[column] - width(row[column]), ' ');
      if (column > 0) out += "  ";
      if (right[column]) out += fill + row[column];
      // No blanks at the end of a line.
      if (!right[column]) out += row[column] + (column + 1 < columns ? fill : "");
    }
    out.push_back('\n');
  }
  return out;
}

}  // namespace headrace::program
