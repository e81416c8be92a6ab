#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace headrace::test {

/// A port of 127.0.0.1 that nobody listened on a moment ago.
inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!bound) throw std::system_error(errno, std::generic_category(), "a free port");
  return ntohs(address.sin_port);
}

/// Sends `request` to the port and answers what comes first; empty when nobody answers.
inline std::string ask(std::uint16_t port, std::string_view request) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    pollfd ready{fd, POLLIN, 0};
    char bytes[64];
    if (::poll(&ready, 1, 1000) > 0) {
      const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
      if (got > 0) answer.assign(bytes, static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  return answer;
}

/// A real server with a folder of its own, started and stopped by the test or bench, by its pid. Its output is in the
/// folder's file `log`. Throws when it does not come up.
class ServerProcess {
 public:
  ServerProcess() {
    std::string name = (std::filesystem::temp_directory_path() / "headrace-server-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~ServerProcess() {
    stop(SIGKILL);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] std::string path(std::string_view name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string folder() const { return folder_.string(); }
  void write(std::string_view name, std::string_view text) const { std::ofstream(folder_ / name) << text; }
  [[nodiscard]] std::string log() const {
    std::ostringstream text;
    text << std::ifstream(folder_ / "log").rdbuf();
    return text.str();
  }

  void start(const std::vector<std::string>& command) {
    std::vector<std::string> words = command;
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string log = path("log");
    child_ = ::fork();
    if (child_ == 0) {
      // It ends with the test, however that ends, and holds nothing of what the test was started with (a lock).
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(out, STDOUT_FILENO);
      ::dup2(out, STDERR_FILENO);
      ::close_range(3, ~0U, 0);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
  }
  /// Asks until the answer begins as expected, or the server ends.
  void await(std::uint16_t port, std::string_view request, std::string_view expected) {
    await([&] { return ask(port, request).starts_with(expected); });
  }
  /// Looks, every few milliseconds, until it is `enough()`. Throws, with the log, when the server ends, and when minutes
  /// passed: what hangs is to say where.
  template <class Enough>
  void await(Enough enough) {
    const auto patience_ends = std::chrono::steady_clock::now() + kPatience;
    pollfd ended{static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)), POLLIN, 0};
    std::string_view failure;
    while (failure.empty() && !enough()) {
      if (::poll(&ended, 1, 5) != 0) {
        failure = "the server ended: ";
      } else if (std::chrono::steady_clock::now() > patience_ends) {
        failure = "waited in vain: ";
      }
    }
    ::close(ended.fd);
    if (failure.empty()) return;
    if (ended.revents != 0) ::waitpid(std::exchange(child_, -1), nullptr, 0);
    throw std::runtime_error(std::string(failure) + log());
  }
  /// Waits until it ends by itself; its exit code, -1 for a signal.
  [[nodiscard]] int await_end() {
    int status = 0;
    ::waitpid(std::exchange(child_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  /// Processor time of its first thread, as far as the kernel counts it; 0 if it does not.
  [[nodiscard]] double cpu_us() const {
    double ns = 0;
    std::ifstream("/proc/" + std::to_string(child_) + "/schedstat") >> ns;
    return ns / 1e3;
  }
  /// After SIGSTOP it stands still: the signal alone leaves it a while.
  void signal(int number) const {
    ::kill(child_, number);
    if (number == SIGSTOP) ::waitpid(child_, nullptr, WUNTRACED);
  }
  void stop(int number) {
    if (child_ <= 0) return;
    ::kill(child_, number);
    ::waitpid(std::exchange(child_, -1), nullptr, 0);
  }

 private:
  static constexpr auto kPatience = std::chrono::minutes(4);

  std::filesystem::path folder_;
  pid_t child_ = -1;
};

}  // namespace headrace::test
