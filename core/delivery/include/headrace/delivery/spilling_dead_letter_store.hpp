#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "headrace/port/dead_letter_store.hpp"

namespace headrace {

/// Two dead letter stores as one: what finds the first one full spills into the second, one on disk usually.
///
///     auto letters = std::make_shared<hr::SpillingDeadLetterStore>(
///         std::make_shared<hr::MemoryDeadLetterStore>(hr::MemoryDeadLetterOptions{.letters_max = 10'000}),
///         on_disk);
///
/// Order:   once letters have spilled, every new one goes there too, until the second store is empty again. So
///          whatever lies in the first came before whatever lies in the second, and R1 to R3 hold over both.
/// Full:    what happens when the second one is full as well is its own policy. The first must refuse when it is
///          full (WhenFull::refuse): one that drops its oldest never spills.
/// Lost:    what lies in the first when the process ends, if that is in memory. Nobody else may use either store.
/// Threads: any, behind one mutex.
class SpillingDeadLetterStore final : public DeadLetterStore {
 public:
  /// Throws ConfigError when the second store cannot say what it holds.
  SpillingDeadLetterStore(std::shared_ptr<DeadLetterStore> first, std::shared_ptr<DeadLetterStore> second);

  /// What this store calls a letter whose id in the second store is known: to somebody who looks into that one's
  /// file.
  [[nodiscard]] static constexpr DeadLetterId id_of_spilled(DeadLetterId in_second) noexcept {
    return in_second | kSecond;
  }
  /// How many take()s still hold letters, as far as this store knows. @thread any
  [[nodiscard]] std::size_t leases() const;
  /// How many letters went into the second store because the first had no room, or had not when it filled.
  [[nodiscard]] std::uint64_t spilled() const;

  [[nodiscard]] bool keeps_typed_events() const noexcept override {
    return first_->keeps_typed_events() && second_->keeps_typed_events();
  }
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
  /// A letter's id in the second store has this bit set outside.
  static constexpr DeadLetterId kSecond = DeadLetterId{1} << 62;
  /// What one take() holds: its letters, each with the lease that its own store gave.
  using Held = std::map<DeadLetterId, DeadLetterLease>;
  using End = Result<std::size_t> (DeadLetterStore::*)(DeadLetterLease, std::span<const DeadLetterId>);

  // All of these run under mutex_.
  [[nodiscard]] Result<bool> knows(const DeadLetterStore& store, const DeadLetter& letter) const;
  [[nodiscard]] Result<Added> add_one(DeadLetter& letter);
  [[nodiscard]] Status take_from_first(const TakeRequest& request, Taken& all, Held& held);
  [[nodiscard]] Status take_from_second(const TakeRequest& request, Taken& all, Held& held);
  [[nodiscard]] Status take_ready(const TakeRequest& request, Taken& all, Held& held);
  [[nodiscard]] Status take_some(DeadLetterStore& store, const TakeRequest& request, Taken& all, Held& held);
  [[nodiscard]] Result<bool> waits_for_first(const DeadLetter& letter, std::span<const DeadLetter> taken) const;
  void note_held(DeadLetterLease lease, Held held);
  void let_go(DeadLetterId letter, DeadLetterLease of);
  void forget_gone_letters();
  [[nodiscard]] Result<std::size_t> end(DeadLetterLease lease, std::span<const DeadLetterId> ids, End how);
  void look_whether_spilt();

  const std::shared_ptr<DeadLetterStore> first_;
  const std::shared_ptr<DeadLetterStore> second_;
  mutable std::mutex mutex_;
  bool spills_ = false;  ///< the second store holds letters
  std::uint64_t spilled_ = 0;
  DeadLetterLease last_lease_ = 0;
  std::map<DeadLetterLease, Held> leases_;          ///< none is empty
  std::map<DeadLetterId, DeadLetterLease> holder_;  ///< of each letter in leases_
};

}  // namespace headrace
