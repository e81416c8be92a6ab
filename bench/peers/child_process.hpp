#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace headrace::bench {

/// A contender that cannot live in this process: a program that answers each line with a line. It waits in a read
/// while others are measured. It ends with this object.
class ChildProcess {
 public:
  /// Throws std::runtime_error when it cannot be started.
  explicit ChildProcess(const std::vector<std::string>& command);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Throws std::runtime_error when the child has died.
  [[nodiscard]] std::string ask(const std::string& line);
  /// The answer as a number. Throws when it is none: the child says in words what went wrong.
  [[nodiscard]] double ask_number(const std::string& line);

  /// For programs that cannot pin their own threads: by the name that ps shows. Throws when there is no such
  /// thread.
  void pin_thread(const std::string& thread_name, int cpu) const;

 private:
  std::string program_;
  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

}  // namespace headrace::bench
