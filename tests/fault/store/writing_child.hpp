#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "acknowledged.hpp"

namespace headrace::test {

enum class Honesty { acknowledges_when_stored, acknowledges_before };

/// A process that appends from several threads, as fast as it can, and says through a pipe what was acknowledged.
class WritingChild {
 public:
  static constexpr std::uint32_t kWriters = 4;

  WritingChild(const SqliteOptions& options, Honesty honesty);
  /// Kills, if it still runs.
  ~WritingChild();
  WritingChild(const WritingChild&) = delete;
  WritingChild& operator=(const WritingChild&) = delete;

  /// Waits for so many acknowledgements; fewer when the child has ended.
  void wait_for(std::size_t acknowledgements);
  /// Ends it where it stands; answers everything that it said.
  [[nodiscard]] std::vector<Acknowledged> kill();

 private:
  [[nodiscard]] bool read_one();
  pid_t child_ = -1;
  int pipe_ = -1;
  std::vector<Acknowledged> said_;
};

}  // namespace headrace::test
