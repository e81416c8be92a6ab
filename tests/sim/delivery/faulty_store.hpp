#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "events.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/event/event_meta.hpp"
#include "workload.hpp"

namespace headrace::sim {

/// A dead-letter store that is down, full or refuses when the plan says so.
class FaultyStore final : public DeadLetterStore {
 public:
  using NowNs = std::function<std::uint64_t()>;
  FaultyStore(const Plan& plan, NowNs now_ns)
      : plan_(plan),
        now_ns_(std::move(now_ns)),
        inner_({.letters_max = plan.letters_max, .when_full = plan.when_full}) {}

  /// The value of the letter's event, and its key.
  [[nodiscard]] static std::uint64_t value_of(const DeadLetter& letter) { return event_of(letter).value; }
  [[nodiscard]] static std::uint64_t key_of(const DeadLetter& letter) { return event_key_hash(event_of(letter)); }

  bool keeps_typed_events() const noexcept override { return true; }
  Result<Added> add(std::span<DeadLetter> letters) override {
    if (plan_.store_refuses(value_of(letters.front()))) return Error{"never", {}, Error::Retry::no};
    if (is_down()) return Error{"down", {}, Error::Retry::maybe};
    return inner_.add(letters);
  }
  Result<std::vector<DeadLetter>> list(const DeadLetterFilter& filter, std::size_t letters_max) const override {
    return inner_.list(filter, letters_max);
  }
  Result<std::optional<DeadLetter>> show(DeadLetterId id) const override { return inner_.show(id); }
  Result<Taken> take(const TakeRequest& request) override {
    if (is_down()) return Error{"down", {}, Error::Retry::maybe};
    return inner_.take(request);
  }
  Result<std::size_t> settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) override {
    return inner_.settle(lease, ids);
  }
  Result<std::size_t> release(DeadLetterLease lease, std::span<const DeadLetterId> ids) override {
    return inner_.release(lease, ids);
  }
  Result<std::size_t> renew(DeadLetterLease lease, EventTime now, std::chrono::nanoseconds lease_for) override {
    return inner_.renew(lease, now, lease_for);
  }
  Result<std::size_t> discard(const DeadLetterFilter& filter, EventTime now) override {
    return inner_.discard(filter, now);
  }
  Result<std::vector<ParkedKey>> parked_keys() const override { return inner_.parked_keys(); }
  Result<std::uint64_t> parked(std::string_view subscription, std::string_view key) const override {
    return inner_.parked(subscription, key);
  }
  Result<DeadLetterCounts> counts() const override { return inner_.counts(); }

 private:
  [[nodiscard]] static const test::Tick& event_of(const DeadLetter& letter) {
    const auto* bare = letter.event.as<test::Tick>();
    return bare != nullptr ? *bare : letter.event.as<WithMeta<test::Tick>>()->event;
  }
  [[nodiscard]] bool is_down() const { return plan_.store_is_down(now_ns_()); }

  const Plan& plan_;
  const NowNs now_ns_;
  MemoryDeadLetterStore inner_;
};

}  // namespace headrace::sim
