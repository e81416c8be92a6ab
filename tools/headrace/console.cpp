#include "console.hpp"

#include <unistd.h>

namespace headrace::program {

Console::Console() : shows_progress_(::isatty(STDERR_FILENO) == 1) {}

void Console::be_quiet() noexcept {
  quiet_ = true;
  shows_progress_ = false;
}

void Console::line(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (quiet_) return;
  erase_progress();
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  if (prompt_) std::fflush(stdout);
}

void Console::progress(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!shows_progress_) return;
  std::fflush(stdout);
  erase_progress();
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void Console::clear_progress() {
  const std::lock_guard lock(mutex_);
  erase_progress();
}

void Console::erase_progress() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace headrace::program
