#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "headrace/delivery/memory_dead_letter_store.hpp"

namespace headrace::test {

/// Keeps of each letter what a store on disk would: its body, not the event itself. Notes how long leases are
/// asked for.
class BytesOnlyStore : public DeadLetterStore {
 public:
  bool keeps_typed_events() const noexcept override { return false; }
  Result<Added> add(std::span<DeadLetter> letters) override {
    for (DeadLetter& letter : letters) {
      if (!letter.body) return Error{"a letter without a body", {}};
      letter.event = {};
    }
    return inner.add(letters);
  }
  Result<std::vector<DeadLetter>> list(const DeadLetterFilter& filter, std::size_t letters_max) const override {
    return inner.list(filter, letters_max);
  }
  Result<std::optional<DeadLetter>> show(DeadLetterId id) const override { return inner.show(id); }
  Result<Taken> take(const TakeRequest& request) override { return inner.take(request); }
  Result<std::size_t> settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) override {
    return inner.settle(lease, ids);
  }
  Result<std::size_t> release(DeadLetterLease lease, std::span<const DeadLetterId> ids) override {
    return inner.release(lease, ids);
  }
  Result<std::size_t> renew(DeadLetterLease lease, EventTime now, std::chrono::nanoseconds lease_for) override {
    return inner.renew(lease, now, lease_for);
  }
  Result<std::size_t> discard(const DeadLetterFilter& filter, EventTime now) override {
    return inner.discard(filter, now);
  }
  Result<std::vector<ParkedKey>> parked_keys() const override { return inner.parked_keys(); }
  Result<std::uint64_t> parked(std::string_view subscription, std::string_view key) const override {
    return inner.parked(subscription, key);
  }
  Result<DeadLetterCounts> counts() const override { return inner.counts(); }

  MemoryDeadLetterStore inner;
};

}  // namespace headrace::test
