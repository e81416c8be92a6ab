#pragma once

#include <string>
#include <vector>

namespace headrace::program {

/// Rows in columns two blanks apart; a column whose cells are numbers leans to the right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace headrace::program
