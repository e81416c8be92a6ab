#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "headrace/base/result.hpp"

namespace headrace::program {

/// What is known of keys: a table that a file holds. CSV with a header, the first column the key; or JSON, an object of
/// objects by key. At most a million keys, and 64 MiB of file.
class LookupTable {
 public:
  /// A field's name, and its value as JSON.
  using Fields = std::vector<std::pair<std::string, std::string>>;

  /// By the file's ending, `.json` or anything else for CSV. An error names the file, and the line of CSV, where a
  /// key that occurs twice is one.
  [[nodiscard]] static Result<LookupTable> load(const std::filesystem::path& file);
  [[nodiscard]] static Result<LookupTable> parse_csv(std::string_view text, const std::string& where);
  [[nodiscard]] static Result<LookupTable> parse_json(std::string_view text, const std::string& where);

  /// Null when the key is not there.
  [[nodiscard]] const Fields* find(const std::string& key) const;
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
  /// Unlike that of a table that was read from another text.
  [[nodiscard]] std::size_t fingerprint() const noexcept { return fingerprint_; }

 private:
  class CsvRows;
  [[nodiscard]] std::string add(std::string key, Fields fields);

  std::unordered_map<std::string, Fields> rows_;
  std::size_t fingerprint_ = 0;
};

}  // namespace headrace::program
