#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "headrace/base/result.hpp"
#include "headrace/port/append_request.hpp"

namespace headrace {

/// Of events that were dispatched in the order of their positions: which are still out, and up to where all are
/// handled, whichever was handled first.
/// Threads:   dispatched, take_back, looked_through, start_at and rewind by the dispatcher; the rest by any.
/// Invariant: positions ascend; whatever stands at or before handled() was handled.
class HandledPrefix {
 public:
  /// An event's share in it: out until this is destroyed, handled then, unless somebody said unhandled().
  class Receipt {
   public:
    Receipt(std::shared_ptr<HandledPrefix> prefix, EventPosition position)
        : prefix_(std::move(prefix)), position_(position) {
      prefix_->dispatched(position);
    }
    Receipt(Receipt&&) noexcept = default;
    Receipt& operator=(Receipt&&) = delete;
    ~Receipt() {
      if (prefix_ != nullptr) prefix_->ended(position_);
    }
    /// A delivery of the event ended without a handler: it must be dispatched once more.
    void unhandled() const noexcept { prefix_->unhandled(position_); }
    void dead_lettered() const noexcept {}  // the letter is what came of it
    /// The same as unhandled(), with the reason.
    void refused(const Error& why) const noexcept { prefix_->refused(position_, why); }

   private:
    std::shared_ptr<HandledPrefix> prefix_;
    EventPosition position_;
  };

  struct Account {
    EventPosition handled = 0;  ///< everything up to here
    std::uint64_t events = 0;   ///< handled in turn, all together
    std::size_t out = 0;
    bool is_open = false;  ///< something was dispatched that does not count as handled in turn yet
    bool has_gap = false;  ///< something ended unhandled
  };
  [[nodiscard]] Account account() const;

  void start_at(EventPosition handled);
  /// The event was not published after all; it must be the last one. Its receipt counts no more.
  void take_back(EventPosition position);
  /// All events up to here have been dispatched.
  void looked_through(EventPosition position);
  /// Why the first that was refused was, since the last rewind.
  [[nodiscard]] std::optional<Error> refusal() const;
  /// Forgets the gap and what was handled behind it: answers where to go on. Nothing may be out.
  [[nodiscard]] EventPosition rewind();

  /// Waits until something changes that could matter: `enough(account)`; false when the time is over.
  template <class Enough>
  bool wait_until(Enough enough, std::chrono::steady_clock::time_point end, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, stop, end, [&] { return enough(look()); });
  }

 private:
  struct Slot {
    EventPosition position;
    bool ended = false;
    bool unhandled = false;
  };
  using Slots = std::deque<Slot>;

  void dispatched(EventPosition position);
  void ended(EventPosition position) noexcept;
  void unhandled(EventPosition position) noexcept;
  void refused(EventPosition position, const Error& why) noexcept;
  // With the mutex held:
  [[nodiscard]] Slots::iterator find(EventPosition position);
  [[nodiscard]] Account look() const noexcept;
  void advance() noexcept;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Slots slots_;  // behind mutex_, as is all below; from the first that is not handled on
  EventPosition handled_ = 0;
  EventPosition through_ = 0;
  std::uint64_t events_ = 0;
  std::size_t out_ = 0;
  bool has_gap_ = false;
  EventPosition refused_at_ = 0;
  std::optional<Error> refusal_;
};

}  // namespace headrace
