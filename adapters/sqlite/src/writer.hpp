#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "headrace/base/result.hpp"
#include "write_session.hpp"

namespace headrace::sqlite {

/// A change to the file, and who waits for it. Both run on the writer's thread.
struct WriteJob {
  enum class Undo { with_group, alone };
  /// An error of its own undoes nothing (it must have changed nothing), or, with Undo::alone, this job only.
  std::function<Status(WriteSession&)> run;
  std::function<void(const Status&)> done;  ///< when it is durable, or has failed
  Undo undo = Undo::with_group;
};

/// The thread that writes: takes all jobs that wait, runs them in one transaction, and answers them when that is
/// committed. While it waits for the disk the next group gathers, so that the number of flushes does not grow with
/// the number of callers.
/// Threads:  submit, run and last_position from any.
class Writer {
 public:
  Writer(std::unique_ptr<WriteSession> session, const SqliteOptions& options,
         std::function<void(EventPosition)> committed);
  /// Finishes what waits.
  ~Writer();

  void submit(WriteJob job);
  /// Submits and waits.
  [[nodiscard]] Status run(std::function<Status(WriteSession&)> change, WriteJob::Undo undo);

 private:
  void loop();
  [[nodiscard]] bool take_group();
  void commit_group();
  [[nodiscard]] Status run_group();
  [[nodiscard]] Status run_alone(WriteJob& job);
  void answer(const Status& group);
  void stop_for_good(const Error& error);

  const std::size_t group_max_;
  const std::size_t queue_max_;
  const std::function<void(EventPosition)> committed_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<WriteJob> queue_;  // behind mutex_
  bool closing_ = false;         // behind mutex_

  // owner: the writer's thread
  std::unique_ptr<WriteSession> session_;
  std::vector<WriteJob> group_;
  std::vector<Status> answers_;
  std::optional<Error> stopped_;

  std::thread thread_;
};

}  // namespace headrace::sqlite
