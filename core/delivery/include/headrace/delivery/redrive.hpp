#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "headrace/delivery/timed_work.hpp"
#include "headrace/port/dead_letter_store.hpp"

namespace headrace {

class DeliveryAgent;
class FieldValue;
class DeliveryDirectory;

struct RedriveOptions {
  std::size_t letters_max = std::numeric_limits<std::size_t>::max();
  double letters_per_second = 0;  ///< 0: each as soon as the one before it is settled. Below zero: an error
  /// How long a letter is nobody else's while its handler runs: longer than all attempts of an event take.
  std::chrono::nanoseconds lease_for = std::chrono::seconds(30);
};

struct RedriveReport {
  std::uint64_t handled = 0;   ///< done, or known to have been done before; their letters are gone
  std::uint64_t returned = 0;  ///< failed again, and stand where they stood
  std::uint64_t skipped = 0;   ///< nobody here handles them, or their bytes cannot be read: see why
  std::string why_skipped;     ///< of the last one
  bool finished = false;
  std::string error;  ///< why it ended early; empty: it did not
};

/// One run over dead letters: takes them one after the other, in the order of their ids, and hands each to its own
/// subscription's handler, on the worker where that handles the key. It is tried by the subscription's schedule;
/// what is given up again goes back to its place, and is not taken again by the same run.
///
/// Threads:    report, cancel by anyone; the rest on workers.
/// Idempotent: a letter is leased while its handler runs, and the event keeps its id: after a crash in between it
///             comes once more, and `deduplicated` knows it. The lease goes on while the letter waits for a next
///             try.
/// Bytes:      what a store kept as bytes is decoded by DeliveryDefaults::event_types, through its upcasters.
class Redrive : public TimedWork, public std::enable_shared_from_this<Redrive> {
 public:
  enum class WhenOneFails : std::uint8_t { go_on, stop };

  /// Changes the letter's event before it runs: its fields, as the present version has them.
  using Edit = std::function<Status(FieldValue& fields)>;

  Redrive(std::shared_ptr<DeadLetterStore> store, DeadLetterFilter filter, RedriveOptions options,
          WhenOneFails when_one_fails, std::shared_ptr<DeliveryDirectory> directory, DeliveryAgent* agent,
          Edit edit = {});

  [[nodiscard]] RedriveReport report() const;
  /// No further letter is taken.
  void cancel();

  // For the agent and the letters' turns.
  void due(DeliveryAgent&) override { step(); }
  void bus_stopped() override { finish("the bus has stopped"); }
  void step();
  void ended(bool handled);
  void finish(std::string error);

 private:
  void go_on();
  void skip(DeadLetterLease lease, DeadLetterId letter, std::string why);
  [[nodiscard]] Result<std::optional<EventTypeId>> type_of(const DeadLetter& letter) const;
  /// Makes the letter's event typed, and as the edit wants it.
  [[nodiscard]] Status prepare(DeadLetter& letter, EventTypeId type) const;

  const std::shared_ptr<DeadLetterStore> store_;
  const RedriveOptions options_;
  const WhenOneFails when_one_fails_;
  const std::shared_ptr<DeliveryDirectory> directory_;
  const Edit edit_;
  DeliveryAgent* const agent_;  ///< on whose worker the run proceeds
  // Of that worker.
  DeadLetterFilter filter_;  ///< `after` is the letter taken last
  std::size_t left_;
  std::uint64_t next_ns_ = 0;

  mutable std::mutex mutex_;
  RedriveReport report_;
  bool cancelled_ = false;
};

/// One letter's turn. However its event ends, the turn's end gives the letter back, unless it was settled.
class RedriveTurn {
 public:
  RedriveTurn(std::shared_ptr<Redrive> run, std::shared_ptr<DeadLetterStore> store, DeadLetterLease lease,
              DeadLetterId letter, std::chrono::nanoseconds lease_for)
      : run_(std::move(run)), store_(std::move(store)), lease_(lease), letter_(letter), lease_for_(lease_for) {}
  RedriveTurn(const RedriveTurn&) = delete;
  RedriveTurn& operator=(const RedriveTurn&) = delete;
  ~RedriveTurn();

  void settle();
  /// The event waits so long for its next try.
  void keep(EventTime now, std::chrono::nanoseconds wait);
  [[nodiscard]] const DeadLetterStore* store() const noexcept { return store_.get(); }

 private:
  std::shared_ptr<Redrive> run_;
  std::shared_ptr<DeadLetterStore> store_;
  DeadLetterLease lease_;
  DeadLetterId letter_;
  std::chrono::nanoseconds lease_for_;
  bool settled_ = false;
};

}  // namespace headrace
