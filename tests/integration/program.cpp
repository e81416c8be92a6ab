#include "program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace headrace::program {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string temporary(std::string_view what) {
  const char* base = std::getenv("TMPDIR");
  return std::string(base == nullptr ? "/tmp" : base) + "/headrace-" + std::string(what) + "-XXXXXX";
}

/// A file without a name, holding the text, read from its beginning.
int input_of(std::string_view text) {
  std::string name = temporary("in");
  const int fd = ::mkstemp(name.data());
  ::unlink(name.c_str());
  EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

}  // namespace

std::string Outcome::last_line() const {
  const std::string_view text = std::string_view(out).substr(0, out.find_last_not_of('\n') + 1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

Program::Program(const std::vector<std::string>& arguments, std::string_view input) {
  std::vector<std::string> words = {HEADRACE_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int in = input_of(input);
  int out[2];
  int err[2];
  EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(err, O_CLOEXEC), 0);
  child_ = ::fork();
  if (child_ == 0) {
    ::dup2(in, STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    ::close(in);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  for (const int fd : {in, out[1], err[1]}) ::close(fd);
  out_.pipe = out[0];
  err_.pipe = err[0];
}

Program::~Program() {
  if (child_ > 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  for (const int fd : {out_.pipe, err_.pipe}) {
    if (fd >= 0) ::close(fd);
  }
}

bool Program::read_more() {
  pollfd ready[2] = {{out_.pipe, POLLIN, 0}, {err_.pipe, POLLIN, 0}};
  if (out_.pipe < 0 && err_.pipe < 0) return false;
  if (::poll(ready, 2, -1) < 0) return errno == EINTR;
  for (Stream* stream : {&out_, &err_}) {
    if (stream->pipe < 0 || ready[stream == &out_ ? 0 : 1].revents == 0) continue;
    char chunk[4096];
    const ssize_t got = ::read(stream->pipe, chunk, sizeof chunk);
    if (got > 0) stream->text.append(chunk, static_cast<std::size_t>(got));
    if (got == 0) ::close(std::exchange(stream->pipe, -1));
  }
  return true;
}

std::string Program::wait_for_line(const Stream& stream, std::string_view part) {
  while (true) {
    const std::string& text = stream.text;
    const std::size_t at = text.find(part);
    const std::size_t end = at == std::string::npos ? at : text.find('\n', at);
    if (end != std::string::npos) {
      const std::size_t begin = text.rfind('\n', at) + 1;
      return text.substr(begin, end - begin);
    }
    if (!read_more()) return {};
  }
}

void Program::signal(int number) const { ::kill(child_, number); }

Outcome Program::wait() {
  while (read_more()) {
  }
  int status = 0;
  ::waitpid(child_, &status, 0);
  child_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), out_.text, err_.text};
}

Outcome run_program(const std::vector<std::string>& arguments, std::string_view input) {
  return Program(arguments, input).wait();
}

Folder::Folder() {
  std::string name = temporary("test");
  path_ = ::mkdtemp(name.data());
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, std::string_view text) const {
  std::ofstream(path_ / name, std::ios::binary) << text;
  return path(name);
}

std::string Folder::read(const std::string& name) const { return slurp(path(name)); }

}  // namespace headrace::program
