#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/dispatch/subscription.hpp"

namespace headrace {

class Bus;
class EventTypes;

struct RecorderOptions {
  std::string filter = {};  ///< of topics; empty: all
  int worker = -1;          ///< on which the recorder runs
};

struct RecorderReport {
  std::uint64_t recorded = 0;
  std::uint64_t skipped = 0;  ///< of types that EventTypes was not given, mostly, or too large
  std::string why_skipped;    ///< of the last one
  std::string error;  ///< the file could not be written: nothing was recorded from then on; empty: it could
};

/// Writes what crosses a bus to a file, from which replay() plays it back: a subscription to all topics, or to a
/// filter's, that encodes each event.
///
/// Order:   as its worker saw them: each publisher's events in the order published.
/// Threads: report and close by anyone; the file is written by the recorder's worker, which waits for the disk.
/// Errors:  a file that cannot be opened is an error of open(); what goes wrong later is in the report.
class EventRecorder {
 public:
  /// What was recorded before under that name is replaced. May begin while events flow.
  [[nodiscard]] static Result<EventRecorder> open(Bus& bus, const std::string& path,
                                                  std::shared_ptr<const EventTypes> types,
                                                  const RecorderOptions& options = {});
  EventRecorder(EventRecorder&&) noexcept;
  EventRecorder& operator=(EventRecorder&&) noexcept;
  ~EventRecorder();

  /// Ends the recording: the file is whole when it returns. Events still under way are not in it.
  RecorderReport close();
  [[nodiscard]] RecorderReport report() const;

 private:
  struct State;
  EventRecorder(std::shared_ptr<State> state, Subscription subscription);

  std::shared_ptr<State> state_;
  Subscription subscription_;
};

}  // namespace headrace
