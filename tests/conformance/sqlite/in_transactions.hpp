#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "in_a_file.hpp"

namespace headrace::test {

/// What `call` answers within a transaction of its own, which its error undoes.
template <class Call>
auto answer_of(SqliteEventStore& store, const Call& call) {
  using Answer = decltype(call(std::declval<SqliteTransaction&>()));
  std::optional<Answer> answer;
  const Status done = store.transact([&](SqliteTransaction& transaction) -> Status {
    answer = call(transaction);
    return answer->has_value() ? Status{Nothing{}} : Status{answer->error()};
  });
  return done ? std::move(*answer) : Answer{done.error()};
}

/// Every call is a transaction that asks the letters of SqliteTransaction.
class LettersInTransactions final : public DeadLetterStore {
  template <class Call>
  auto ask(const Call& call) const {
    return answer_of(file_->store(),
                     [&](SqliteTransaction& transaction) { return call(*transaction.dead_letters(options_)); });
  }

 public:
  explicit LettersInTransactions(SqliteDeadLetterOptions options) : options_(options) {}

  bool keeps_typed_events() const noexcept override { return false; }
  Result<Added> add(std::span<DeadLetter> letters) override {
    return ask([&](DeadLetterStore& store) { return store.add(letters); });
  }
  Result<std::vector<DeadLetter>> list(const DeadLetterFilter& filter, std::size_t letters_max) const override {
    return ask([&](DeadLetterStore& store) { return store.list(filter, letters_max); });
  }
  Result<std::optional<DeadLetter>> show(DeadLetterId id) const override {
    return ask([&](DeadLetterStore& store) { return store.show(id); });
  }
  Result<Taken> take(const TakeRequest& request) override {
    return ask([&](DeadLetterStore& store) { return store.take(request); });
  }
  Result<std::size_t> settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) override {
    return ask([&](DeadLetterStore& store) { return store.settle(lease, ids); });
  }
  Result<std::size_t> release(DeadLetterLease lease, std::span<const DeadLetterId> ids) override {
    return ask([&](DeadLetterStore& store) { return store.release(lease, ids); });
  }
  Result<std::size_t> renew(DeadLetterLease lease, EventTime now, std::chrono::nanoseconds lease_for) override {
    return ask([&](DeadLetterStore& store) { return store.renew(lease, now, lease_for); });
  }
  Result<std::size_t> discard(const DeadLetterFilter& filter, EventTime now) override {
    return ask([&](DeadLetterStore& store) { return store.discard(filter, now); });
  }
  Result<std::vector<ParkedKey>> parked_keys() const override {
    return ask([&](DeadLetterStore& store) { return store.parked_keys(); });
  }
  Result<std::uint64_t> parked(std::string_view subscription, std::string_view key) const override {
    return ask([&](DeadLetterStore& store) { return store.parked(subscription, key); });
  }
  Result<DeadLetterCounts> counts() const override {
    return ask([&](DeadLetterStore& store) { return store.counts(); });
  }

 private:
  std::unique_ptr<StoreInAFile> file_ = std::make_unique<StoreInAFile>();
  SqliteDeadLetterOptions options_;
};

class DedupInTransactions final : public DedupStore {
  template <class Call>
  auto ask(const Call& call) {
    return answer_of(file_.store(),
                     [&](SqliteTransaction& transaction) { return call(*transaction.deduplication(options_)); });
  }

 public:
  explicit DedupInTransactions(SqliteDedupOptions options) : options_(std::move(options)) {}
  Status claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
               std::span<DedupAnswer> answers) override {
    return ask([&](DedupStore& store) { return store.claim(keys, owner, now, answers); });
  }
  Result<std::size_t> finish(std::span<const DedupFinish> ends, DedupOwner owner, EventTime now) override {
    return ask([&](DedupStore& store) { return store.finish(ends, owner, now); });
  }
  Result<std::size_t> renew(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                            EventTime from) override {
    return ask([&](DedupStore& store) { return store.renew(keys, owner, now, from); });
  }

 private:
  StoreInAFile file_;
  SqliteDedupOptions options_;
};

}  // namespace headrace::test
