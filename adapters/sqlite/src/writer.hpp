#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "headrace/base/result.hpp"
#include "write_session.hpp"

namespace headrace::sqlite {

/// A change to the file, and who waits for it. Both run where the writing is done, one job after the other.
struct WriteJob {
  enum class Undo { with_group, alone };
  /// An error of its own undoes nothing (it must have changed nothing), or, with Undo::alone, this job only.
  Change run;
  std::function<void(const Status&)> done;  ///< when it is durable, or has failed
  Undo undo = Undo::with_group;
};

/// Runs the jobs that wait in one transaction, and answers them when that is committed. While one group waits for
/// the disk the next one gathers, so that the number of flushes does not grow with the number of callers.
///
/// Who comes first writes: a caller that finds nobody writing runs its group itself, which saves the way to
/// another thread and back. What has gathered meanwhile goes to the writer's own thread, so that no caller works
/// for others longer than for one group.
/// Threads:   submit and run from any.
/// Invariant: whoever set writing_ owns the session until it is cleared; while jobs wait writing_ is set.
class Writer {
 public:
  Writer(std::unique_ptr<WriteSession> session, const SqliteOptions& options,
         std::function<void(EventPosition)> committed);
  /// Finishes what waits.
  ~Writer();

  void submit(WriteJob job);
  /// Submits and waits.
  [[nodiscard]] Status run(Change change, WriteJob::Undo undo);

 private:
  struct Group {
    std::vector<WriteJob> jobs;
    std::atomic<std::uint32_t> answered{0};  ///< 1: every job is answered. Slept on as a futex
  };
  enum class Lead { mine, others };

  /// The job's group, and whether the caller has to write now; no group: the queue is full.
  [[nodiscard]] std::shared_ptr<Group> enqueue(WriteJob& job, Lead& lead);
  [[nodiscard]] Error queue_full() const;
  [[nodiscard]] std::shared_ptr<Group> take_group();
  /// The owner of the session goes; what waits goes to the thread.
  void hand_over();
  void loop();

  // By the owner of the session:
  void commit_group(Group& group);
  [[nodiscard]] Status run_group(Group& group);
  [[nodiscard]] Error error_for_others(const Error& error) const;
  void answer(Group& group, const Status& status);
  void stop_for_good(const Error& error);

  const std::size_t group_max_;
  const std::size_t queue_max_;
  const std::string file_;
  const std::function<void(EventPosition)> committed_;

  std::mutex mutex_;
  std::condition_variable turn_;
  std::deque<std::shared_ptr<Group>> queue_;  // behind mutex_, as are the four below
  std::size_t waiting_ = 0;                   ///< jobs in the queue
  bool writing_ = false;
  bool thread_turn_ = false;  ///< writing_ was set for the thread
  bool closing_ = false;

  // owner: whoever set writing_
  std::unique_ptr<WriteSession> session_;
  std::vector<Status> answers_;
  std::optional<Error> stopped_;

  std::thread thread_;
};

}  // namespace headrace::sqlite
