#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "decoder.hpp"
#include "output_file.hpp"

namespace headrace::program {

/// Records that could not be read or made an event of: counted, and kept as NDJSON with their source, line, reason
/// and text. The file appears with the first reject; one left by an earlier run is removed at the start.
/// Threads:  the reading thread.
class RejectFile {
 public:
  explicit RejectFile(std::filesystem::path path);

  void add(std::string_view origin, const Reject& reject);
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// The first reject in words, for the report.
  [[nodiscard]] const std::string& first() const noexcept { return first_; }
  /// Says why rejects could not be kept.
  [[nodiscard]] Status close();

 private:
  const std::filesystem::path path_;
  std::uint64_t count_ = 0;
  std::string first_;
  std::unique_ptr<OutputFile> file_;
  std::optional<Error> problem_;
};

}  // namespace headrace::program
