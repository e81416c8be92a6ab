#include "flow_file.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <utility>

#include "headrace/process/flow_text.hpp"
#include "save_text.hpp"

namespace headrace::program {
namespace {

std::string drawn_for(const std::filesystem::path& file, const EventFlow& flow) {
  const auto extension = file.extension();
  if (extension == ".dot" || extension == ".gv") return to_graphviz(flow);
  return extension == ".mmd" ? to_mermaid(flow) : to_text(flow);
}

sigset_t signal_set() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  return set;
}

}  // namespace

void FlowFile::hold_signal() {
  const sigset_t set = signal_set();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

FlowFile::FlowFile(std::filesystem::path file, Console& console, Take take)
    : file_(std::move(file)), console_(console), take_(std::move(take)) {
  if (file_.empty()) return;
  const sigset_t set = signal_set();
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

FlowFile::~FlowFile() {
  end_thread();
  if (signals_ >= 0) ::close(signals_);
  if (wake_ >= 0) ::close(wake_);
}

void FlowFile::run(const std::stop_token& stop) {
  EventFlow last = take_();
  while (!stop.stop_requested()) {
    pollfd ready[] = {{signals_, POLLIN, 0}, {wake_, POLLIN, 0}};
    ::poll(ready, 2, -1);
    signalfd_siginfo told;
    if (::read(signals_, &told, sizeof told) != sizeof told) continue;
    EventFlow now = take_();
    if (write(now.since(last))) console_.line(fmt::format("graph: {}", file_.string()));
    last = std::move(now);
  }
}

void FlowFile::end_thread() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  thread_.join();
}

bool FlowFile::finish() {
  if (!thread_.joinable()) return true;
  end_thread();
  return write(take_());
}

bool FlowFile::write(const EventFlow& flow) const {
  std::filesystem::path next = file_;
  next += ".new";
  if (!save_text(next, drawn_for(file_, flow))) return false;
  std::error_code failed;
  std::filesystem::rename(next, file_, failed);
  if (failed) fmt::print(stderr, "headrace: {}: cannot write: {}\n", file_.string(), failed.message());
  return !failed;
}

}  // namespace headrace::program
