#include "reject_file.hpp"

#include <fmt/format.h>

#include "json_text.hpp"

namespace headrace::program {

RejectFile::RejectFile(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code ignored;  // what cannot be removed cannot be written either, and shows then
  if (std::filesystem::is_regular_file(path_, ignored)) std::filesystem::remove(path_, ignored);
}

void RejectFile::add(std::string_view origin, const Reject& reject) {
  if (count_++ == 0) {
    first_ = fmt::format("{}:{}: {}", origin, reject.line, reject.reason);
    if (auto file = OutputFile::create(path_)) {
      file_ = std::move(*file);
    } else {
      problem_ = file.error();
    }
  }
  if (file_ == nullptr || problem_) return;
  std::string line = "{\"source\":";
  append_json_string(line, origin);
  line += fmt::format(",\"line\":{},\"reason\":", reject.line);
  append_json_string(line, reject.reason);
  line += ",\"text\":";
  append_json_string(line, reject.text);
  line += "}";
  try {
    file_->write_line(line);
  } catch (const std::exception& error) {
    problem_ = Error{error.what(), {}};
  }
}

Status RejectFile::close() {
  if (file_ != nullptr) {
    if (const Status closed = file_->close(); !closed && !problem_) problem_ = closed.error();
  }
  if (problem_) return *problem_;
  return Nothing{};
}

}  // namespace headrace::program
