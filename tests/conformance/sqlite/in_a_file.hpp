#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/sqlite/event_store.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {

/// A store in a folder of its own, gone with it.
class StoreInAFile {
 public:
  StoreInAFile() { reopen(); }
  void reopen() {
    store_.reset();
    store_ =
        SqliteEventStore::open({.file = folder_ / "events.db", .durability = SqliteDurability::memory}).value();
  }
  [[nodiscard]] SqliteEventStore& store() { return *store_; }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<SqliteEventStore> store_;
};

/// What the suites hold: the port, and the file behind it.
class DeadLettersInAFile final : public DeadLetterStore {
 public:
  DeadLettersInAFile(std::unique_ptr<StoreInAFile> file, std::unique_ptr<DeadLetterStore> letters)
      : file_(std::move(file)), letters_(std::move(letters)) {}

  bool keeps_typed_events() const noexcept override { return letters_->keeps_typed_events(); }
  Result<Added> add(std::span<DeadLetter> letters) override { return letters_->add(letters); }
  Result<std::vector<DeadLetter>> list(const DeadLetterFilter& filter, std::size_t letters_max) const override {
    return letters_->list(filter, letters_max);
  }
  Result<std::optional<DeadLetter>> show(DeadLetterId id) const override { return letters_->show(id); }
  Result<Taken> take(const TakeRequest& request) override { return letters_->take(request); }
  Result<std::size_t> settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) override {
    return letters_->settle(lease, ids);
  }
  Result<std::size_t> release(DeadLetterLease lease, std::span<const DeadLetterId> ids) override {
    return letters_->release(lease, ids);
  }
  Result<std::size_t> renew(DeadLetterLease lease, EventTime now, std::chrono::nanoseconds lease_for) override {
    return letters_->renew(lease, now, lease_for);
  }
  Result<std::size_t> discard(const DeadLetterFilter& filter, EventTime now) override {
    return letters_->discard(filter, now);
  }
  Result<std::vector<ParkedKey>> parked_keys() const override { return letters_->parked_keys(); }
  Result<std::uint64_t> parked(std::string_view subscription, std::string_view key) const override {
    return letters_->parked(subscription, key);
  }
  Result<DeadLetterCounts> counts() const override { return letters_->counts(); }

 private:
  std::unique_ptr<StoreInAFile> file_;
  std::unique_ptr<DeadLetterStore> letters_;
};

class DedupInAFile final : public DedupStore {
 public:
  DedupInAFile(std::unique_ptr<StoreInAFile> file, std::unique_ptr<DedupStore> done)
      : file_(std::move(file)), done_(std::move(done)) {}
  Status claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
               std::span<DedupAnswer> answers) override {
    return done_->claim(keys, owner, now, answers);
  }
  Result<std::size_t> finish(std::span<const DedupFinish> ends, DedupOwner owner, EventTime now) override {
    return done_->finish(ends, owner, now);
  }
  Result<std::size_t> renew(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                            EventTime from) override {
    return done_->renew(keys, owner, now, from);
  }

 private:
  std::unique_ptr<StoreInAFile> file_;
  std::unique_ptr<DedupStore> done_;
};

}  // namespace headrace::test
