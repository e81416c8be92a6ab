#include "peers/child_process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "harness/foreign_load.hpp"

namespace headrace::bench {

ChildProcess::ChildProcess(const std::vector<std::string>& command) : program_(command.front()) {
  std::signal(SIGPIPE, SIG_IGN);  // a child that died shows in the next read
  int down[2];
  int up[2];
  if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe for " + program_);

  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, down[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, up[1], STDOUT_FILENO);
  const int failed = posix_spawnp(&pid_, program_.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(down[0]);
  close(up[1]);
  to_ = fdopen(down[1], "w");
  from_ = fdopen(up[0], "r");
  if (failed != 0) throw std::runtime_error("cannot start " + program_);
  count_as_own(pid_);
}

ChildProcess::~ChildProcess() {
  std::fclose(to_);  // the child reads an end of file and leaves
  std::fclose(from_);
  waitpid(pid_, nullptr, 0);
  forget_own(pid_);
}

std::string ChildProcess::ask(const std::string& line) {
  std::fprintf(to_, "%s\n", line.c_str());
  std::fflush(to_);
  char answer[256];
  if (std::fgets(answer, sizeof answer, from_) == nullptr) throw std::runtime_error(program_ + " has died");
  std::string text(answer);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

double ChildProcess::ask_number(const std::string& line) {
  const std::string answer = ask(line);
  double number = 0;
  const auto [end, error] = std::from_chars(answer.data(), answer.data() + answer.size(), number);
  if (error != std::errc{} || end != answer.data() + answer.size()) {
    throw std::runtime_error(program_ + " says: " + answer);
  }
  return number;
}

void ChildProcess::pin_thread(const std::string& thread_name, int cpu) const {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid_) + "/task";
  // A thread names itself a moment after it has started.
  for (int attempt = 0; attempt < 1000; ++attempt) {
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      std::ifstream file(task.path() / "comm");
      std::string name;
      std::getline(file, name);
      if (name != thread_name) continue;
      if (sched_setaffinity(std::stoi(task.path().filename()), sizeof set, &set) == 0) return;
    }
    usleep(1000);
  }
  throw std::runtime_error(program_ + " has no thread " + thread_name);
}

}  // namespace headrace::bench
