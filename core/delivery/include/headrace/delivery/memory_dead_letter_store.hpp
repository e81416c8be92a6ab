#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/port/dead_letter_store.hpp"

namespace headrace {

struct MemoryDeadLetterOptions {
  std::size_t letters_max = 65'536;
  WhenFull when_full = WhenFull::refuse;
};

/// Dead letters that live as long as the process: typed events stay as they are, nothing is encoded.
/// Threads: any, behind one mutex: whatever ends here is far from the busy path.
/// Bounded: by letters; an event's own memory is its publisher's choice.
class MemoryDeadLetterStore final : public DeadLetterStore {
 public:
  explicit MemoryDeadLetterStore(MemoryDeadLetterOptions options = {}) : options_(options) {}

  [[nodiscard]] bool keeps_typed_events() const noexcept override { return true; }
  [[nodiscard]] Result<Added> add(std::span<DeadLetter> letters) override;
  [[nodiscard]] Result<std::vector<DeadLetter>> list(const DeadLetterFilter& filter,
                                                     std::size_t letters_max) const override;
  [[nodiscard]] Result<std::optional<DeadLetter>> show(DeadLetterId id) const override;
  [[nodiscard]] Result<Taken> take(const TakeRequest& request) override;
  [[nodiscard]] Result<std::size_t> settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) override;
  [[nodiscard]] Result<std::size_t> release(DeadLetterLease lease, std::span<const DeadLetterId> ids) override;
  [[nodiscard]] Result<std::size_t> renew(DeadLetterLease lease, EventTime now,
                                          std::chrono::nanoseconds lease_for) override;
  [[nodiscard]] Result<std::size_t> discard(const DeadLetterFilter& filter, EventTime now) override;
  [[nodiscard]] Result<std::vector<ParkedKey>> parked_keys() const override;
  [[nodiscard]] Result<std::uint64_t> parked(std::string_view subscription, std::string_view key) const override;
  [[nodiscard]] Result<DeadLetterCounts> counts() const override;

 private:
  struct Stored {
    DeadLetter letter;
    DeadLetterLease lease = 0;
    EventTime held_until{};
  };
  using Letters = std::map<DeadLetterId, Stored>;
  using Place = std::pair<std::string, std::string>;  ///< subscription and key
  using EventOf = std::pair<std::string, EventId>;    ///< subscription and event

  // All of these run under mutex_.
  [[nodiscard]] bool make_room(Added& added);
  [[nodiscard]] Letters::iterator find_again(const DeadLetter& letter);
  void replace(Stored& stored, DeadLetter&& letter);
  void insert(DeadLetter&& letter);
  Letters::iterator erase(Letters::iterator at);

  const MemoryDeadLetterOptions options_;
  mutable std::mutex mutex_;
  Letters letters_;
  std::map<EventOf, DeadLetterId> by_event_;
  std::map<Place, std::set<DeadLetterId>> parked_;
  DeadLetterId last_id_ = 0;
  DeadLetterLease last_lease_ = 0;
  DeadLetterCounts counts_;
};

}  // namespace headrace
