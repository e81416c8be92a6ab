#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "acknowledged.hpp"

namespace headrace::test {

enum class Honesty { acknowledges_when_stored, acknowledges_before };

/// What a child does, for ever, with the pipe to its parent.
using ChildWork = std::function<void(int pipe)>;

inline constexpr std::uint32_t kWriters = 4;
/// Appends as that writer, for ever, and says what was acknowledged.
void append_from_one_thread(EventStore& store, std::uint32_t writer, int pipe, Honesty honesty);
/// Appends from kWriters threads, as fast as it can, and says what was acknowledged.
[[nodiscard]] ChildWork append_for_ever(SqliteOptions options, Honesty honesty);
/// Says one acknowledgement to the parent.
void say(int pipe, const Acknowledged& one);

/// A process that says through a pipe what was acknowledged, until it is killed.
class WritingChild {
 public:
  explicit WritingChild(const ChildWork& work);
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
