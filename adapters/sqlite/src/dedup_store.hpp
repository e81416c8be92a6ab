#pragma once

#include <cstddef>
#include <span>

#include "headrace/port/dedup_store.hpp"
#include "headrace/sqlite/options.hpp"
#include "state_stores.hpp"

namespace headrace::sqlite {

/// The table done_events behind the port, for one scope. A failed event has no row. A batch is one transaction, or
/// part of one: its claims are durable when claim() returns.
class DoneEvents final : public DedupStore {
 public:
  DoneEvents(Write write, SqliteDedupOptions options) : write_(std::move(write)), options_(std::move(options)) {}

  Status claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
               std::span<DedupAnswer> answers) override;
  Result<std::size_t> finish(std::span<const DedupFinish> ends, DedupOwner owner, EventTime now) override;
  Result<std::size_t> renew(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                            EventTime from) override;

 private:
  // Within a transaction of the writer, times in nanoseconds:
  [[nodiscard]] Status claim_one(WriteSession& session, const DedupKey& key, DedupOwner owner, std::int64_t now,
                                 std::size_t& events, DedupAnswer& answer) const;
  [[nodiscard]] Status finish_one(WriteSession& session, const DedupFinish& end, DedupOwner owner,
                                  std::int64_t now, std::size_t& ended) const;
  [[nodiscard]] Result<bool> make_room(WriteSession& session, std::int64_t now, std::size_t& events) const;
  [[nodiscard]] bool is_over(std::int64_t state, std::int64_t since, std::int64_t now) const;

  Write write_;
  const SqliteDedupOptions options_;
};

}  // namespace headrace::sqlite
