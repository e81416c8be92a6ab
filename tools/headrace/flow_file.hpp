#pragma once

#include <filesystem>
#include <functional>
#include <thread>

#include "console.hpp"
#include "headrace/dispatch/event_flow.hpp"

namespace headrace::program {

/// `--graph FILE`: the event flow of a run, in a file. At each SIGUSR1 with what happened since the last one, as rates;
/// at the end with all there was. The file is replaced as a whole; its name says what it is: .dot and .gv are for
/// Graphviz, .mmd for Mermaid, anything else is text.
class FlowFile {
 public:
  using Take = std::function<EventFlow()>;

  /// From now on SIGUSR1 waits for a FlowFile. Before other threads are there, since they inherit that.
  static void hold_signal();

  /// Takes what it writes on a thread of its own, until finish(), and says on the console when it has written. An
  /// empty path: it does nothing.
  FlowFile(std::filesystem::path file, Console& console, Take take);
  ~FlowFile();
  FlowFile(const FlowFile&) = delete;
  FlowFile& operator=(const FlowFile&) = delete;

  /// Writes the file for the last time. False: it cannot, and said so on stderr.
  bool finish();

 private:
  void run(const std::stop_token& stop);
  void end_thread();
  [[nodiscard]] bool write(const EventFlow& flow) const;

  const std::filesystem::path file_;
  Console& console_;
  const Take take_;
  int signals_ = -1;
  int wake_ = -1;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace headrace::program
