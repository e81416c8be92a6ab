#include "output_file.hpp"

#include <algorithm>
#include <stdexcept>

#include "json_text.hpp"
#include "system_error.hpp"

namespace headrace::program {

OutputFile::OutputFile(std::filesystem::path path, std::FILE* file)
    : path_(std::move(path)), csv_(path_.extension() == ".csv"), file_(file) {}

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::filesystem::path& path) {
  std::error_code ignored;  // a folder that cannot be made shows in the open
  std::filesystem::create_directories(path.parent_path(), ignored);
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) return Error{system_error("cannot write"), path.string()};
  return std::unique_ptr<OutputFile>(new OutputFile(path, file));
}

void OutputFile::write(const Record& record) {
  const std::lock_guard lock(mutex_);
  line_.clear();
  if (csv_) {
    append_csv(record);
  } else {
    append_json(line_, record);
    line_.push_back('\n');
  }
  put(line_);
}

void OutputFile::write_line(std::string_view line) {
  const std::lock_guard lock(mutex_);
  line_.assign(line).push_back('\n');
  put(line_);
}

void OutputFile::put(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
    const std::string fault = system_error("cannot write");
    if (fault_.empty()) fault_ = fault;
    throw std::runtime_error(path_.string() + ": " + fault);
  }
}

void OutputFile::append_csv(const Record& record) {
  const auto& names = record.schema().names();
  const auto append_row = [&](const auto& cell, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) line_.push_back(',');
      append_csv_field(line_, cell(i));
    }
    line_.push_back('\n');
  };
  if (columns_.empty()) {
    columns_ = names;
    append_row([&](std::size_t i) { return std::string_view(columns_[i]); }, columns_.size());
  }
  if (names == columns_) {
    append_row([&](std::size_t i) { return record.at(static_cast<std::uint32_t>(i)).text; }, columns_.size());
    return;
  }
  append_row(
      [&](std::size_t i) {
        const auto at = std::find(names.begin(), names.end(), columns_[i]) - names.begin();
        const auto column = static_cast<std::uint32_t>(at);
        return column < record.size() ? record.at(column).text : std::string_view{};
      },
      columns_.size());
}

Status OutputFile::close() {
  const std::lock_guard lock(mutex_);
  if (std::fclose(file_.release()) != 0 && fault_.empty()) fault_ = system_error("cannot write");
  if (!fault_.empty()) return Error{fault_, path_.string()};
  return Nothing{};
}

void append_csv_field(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out.append(text);
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    out.push_back(c);
    if (c == '"') out.push_back('"');
  }
  out.push_back('"');
}

}  // namespace headrace::program
