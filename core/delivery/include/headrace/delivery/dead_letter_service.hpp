#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "headrace/delivery/dead_letters.hpp"
#include "headrace/port/dead_letter_requests.hpp"

namespace headrace {

struct DeadLetterServiceOptions {
  std::string name = {};                      ///< told to whoever asked; the process id goes with it
  std::chrono::milliseconds look_every{200};  ///< for requests, and to say how far those are that run
  std::size_t running_max = 16;               ///< further requests wait
  /// What the bus's store calls a letter of the store that operators look into; none: the same. Where the latter is
  /// the second store of a SpillingDeadLetterStore: SpillingDeadLetterStore::id_of_spilled.
  std::function<DeadLetterId(DeadLetterId)> letter_id = nullptr;
};

/// Lets a running bus do what operators ask of it through a store: `headrace dlq redrive FILE`.
///
///     hr::DeadLetterService service(bus.dead_letters(), store->dead_letter_requests(), {.name = "billing"});
///
/// Looks for requests on a thread of its own, redrives on the bus's workers, and reports. A store that cannot be
/// asked now is asked again at the next look.
/// Threads:   any.  Lifetime: the requests outlive it; the bus may go first, its redrives then end with an error.
class DeadLetterService {
 public:
  DeadLetterService(DeadLetters letters, DeadLetterRequests& requests, DeadLetterServiceOptions options = {});
  /// Cancels what runs: no further letter is taken, and whoever asked is told.
  ~DeadLetterService();
  DeadLetterService(const DeadLetterService&) = delete;
  DeadLetterService& operator=(const DeadLetterService&) = delete;

 private:
  struct Running {
    DeadLetterRequestId id;
    std::shared_ptr<Redrive> redrive;
  };
  void loop(const std::stop_token& stop);
  void begin_asked();
  void report_all();
  [[nodiscard]] std::shared_ptr<Redrive> begin(DeadLetterRequest request);
  [[nodiscard]] bool report(const Running& running);

  DeadLetters letters_;
  DeadLetterRequests& requests_;
  const DeadLetterServiceOptions options_;
  const std::string by_;
  std::vector<Running> running_;  // owner: the thread; after it, the destructor
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace headrace
