#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "headrace/base/result.hpp"
#include "record.hpp"

namespace headrace::program {

/// A file of records, NDJSON or CSV by its name. The columns of a CSV are those of its first record; fields that a
/// later one has beyond them are left out.
/// Threads:  any may write; a lock orders them.
class OutputFile {
 public:
  /// Makes the folders on the way, and empties a file that is there.
  [[nodiscard]] static Result<std::unique_ptr<OutputFile>> create(const std::filesystem::path& path);

  /// Throws std::runtime_error when the device refuses: the event then counts as failed.
  void write(const Record& record);
  void write_line(std::string_view line);
  /// Says what could not be written, now or before.
  [[nodiscard]] Status close();
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  OutputFile(std::filesystem::path path, std::FILE* file);
  void put(std::string_view text);
  void append_csv(const Record& record);

  const std::filesystem::path path_;
  const bool csv_;
  std::mutex mutex_;
  std::unique_ptr<std::FILE, Close> file_;  // what follows too: under the mutex
  std::string line_;
  std::string fault_;  // the first
  std::vector<std::string> columns_;
};

/// Quotes the text as CSV needs it.
void append_csv_field(std::string& out, std::string_view text);

}  // namespace headrace::program
