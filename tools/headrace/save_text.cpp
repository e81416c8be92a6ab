#include "save_text.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "system_error.hpp"

namespace headrace::program {

bool save_text(const std::filesystem::path& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  const bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (!written || !closed) fmt::print(stderr, "headrace: {}: {}\n", path.string(), system_error("cannot write"));
  return written && closed;
}

}  // namespace headrace::program
