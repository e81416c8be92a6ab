#pragma once

#include <cstdio>
#include <mutex>
#include <string_view>

namespace headrace::program {

/// Standard output for lines, and the one line of progress on a terminal's stderr that they may not run into.
/// Threads:  any.
class Console {
 public:
  Console();
  void line(std::string_view text);
  /// Draws over the last progress; nothing when stderr is no terminal.
  void progress(std::string_view text);
  void clear_progress();
  [[nodiscard]] bool shows_progress() const noexcept { return shows_progress_; }
  /// Quiet: no progress, and line() says nothing.
  void be_quiet() noexcept;
  /// Prompt: every line is written out at once, for sources that are not just a file to get through.
  void be_prompt() noexcept { prompt_ = true; }

 private:
  void erase_progress();
  std::mutex mutex_;
  bool shows_progress_;
  bool quiet_ = false;
  bool prompt_ = false;
  bool drawn_ = false;
};

}  // namespace headrace::program
