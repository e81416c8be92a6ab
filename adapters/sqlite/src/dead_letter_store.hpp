#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "headrace/port/dead_letter_store.hpp"
#include "headrace/sqlite/options.hpp"
#include "state_stores.hpp"

namespace headrace::sqlite {

/// The table dead_letters behind the port. Changes and looks run where its owner says. The sums of
/// its account stand in the file, so that it balances while other programs take letters too.
class DeadLetters final : public DeadLetterStore {
 public:
  DeadLetters(Look look, Write write, SqliteDeadLetterOptions options)
      : look_(std::move(look)), write_(std::move(write)), options_(options) {}
  /// With an account of its own, which begins with what is there.
  [[nodiscard]] static Result<std::unique_ptr<DeadLetterStore>> open(Look look, Write write,
                                                                     SqliteDeadLetterOptions options);

  bool keeps_typed_events() const noexcept override { return false; }
  Result<Added> add(std::span<DeadLetter> letters) override;
  Result<std::vector<DeadLetter>> list(const DeadLetterFilter& filter, std::size_t letters_max) const override;
  Result<std::optional<DeadLetter>> show(DeadLetterId id) const override;
  Result<Taken> take(const TakeRequest& request) override;
  Result<std::size_t> settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) override;
  Result<std::size_t> release(DeadLetterLease lease, std::span<const DeadLetterId> ids) override;
  Result<std::size_t> renew(DeadLetterLease lease, EventTime now, std::chrono::nanoseconds lease_for) override;
  Result<std::size_t> discard(const DeadLetterFilter& filter, EventTime now) override;
  Result<std::vector<ParkedKey>> parked_keys() const override;
  Result<std::uint64_t> parked(std::string_view subscription, std::string_view key) const override;
  Result<DeadLetterCounts> counts() const override;

 private:
  // Within a transaction of the writer:
  [[nodiscard]] Status add_in(WriteSession& session, std::span<DeadLetter> letters, Added& added) const;
  [[nodiscard]] Result<bool> make_room(WriteSession& session, std::size_t stored, Added& added) const;
  [[nodiscard]] static Status take_in(WriteSession& session, const TakeRequest& request, Taken& taken);

  [[nodiscard]] Result<DeadLetterCounts> totals() const;

  Look look_;
  Write write_;
  const SqliteDeadLetterOptions options_;
  DeadLetterCounts base_;  ///< the file's sums when the account began, `stored` letters not in `added`
};

}  // namespace headrace::sqlite
