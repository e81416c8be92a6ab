#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace headrace::program {

/// What a run of the headrace program came to.
struct Outcome {
  int exit_code = -1;
  std::string out, err;
  /// The last line of standard output.
  [[nodiscard]] std::string last_line() const;
};

/// The headrace program as a child process. Standard input is the given text.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments, std::string_view input = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  /// Waits for a line with this in it, and returns the line; empty when the program ended without.
  [[nodiscard]] std::string wait_for_error_line(std::string_view part) { return wait_for_line(err_, part); }
  [[nodiscard]] std::string wait_for_output_line(std::string_view part) { return wait_for_line(out_, part); }
  void signal(int number) const;
  [[nodiscard]] Outcome wait();

 private:
  struct Stream {
    int pipe = -1;
    std::string text;
  };
  [[nodiscard]] std::string wait_for_line(const Stream& stream, std::string_view part);
  /// False when both streams have ended.
  [[nodiscard]] bool read_more();
  pid_t child_ = -1;
  Stream out_, err_;
};

[[nodiscard]] Outcome run_program(const std::vector<std::string>& arguments, std::string_view input = {});

/// A folder of its own for a test, removed behind it.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  std::string write(const std::string& name, std::string_view text) const;
  [[nodiscard]] std::string read(const std::string& name) const;
  [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace headrace::program
