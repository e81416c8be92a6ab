#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "headrace/port/backoff.hpp"
#include "headrace/port/dedup_store.hpp"
#include "headrace/port/source.hpp"

namespace headrace {

class DedupDesk;

struct DeduplicatedSourceOptions {
  /// What copies of a message have in common; none: it is no copy of any. Called on the source's thread; must not throw.
  std::function<std::optional<DedupKey>(const Message&)> key = nullptr;
  std::shared_ptr<DedupStore> store = nullptr;
  /// Unlike any other that uses the store at the same time, and the same after a restart: what the process claimed before
  /// it died it may then take up at once. 0 is nobody.
  DedupOwner owner = 0;
  /// How often the claims of messages that are out are renewed: well within what a claim of the store lasts.
  std::chrono::milliseconds renew_every{15'000};
  std::size_t batch_max = 1'000;  ///< messages in a call of the store
  /// Delays between calls while the store is away, or somebody else has what is asked for.
  Backoff::Options again = {std::chrono::milliseconds(20), std::chrono::milliseconds(1'000)};
  /// Told of each answer that the store gives: an error when it is away. Called on a thread of the source's own; must
  /// not throw and should not block.
  std::function<void(const Status&)> on_store = nullptr;
};

/// A source of which each message is handed on once within the store's window, whichever process had it before. A copy of
/// one that is done is done at once; a copy of one that is out gets the same answer as that one.
///
/// At least once: a message is recorded as done before its broker hears so. A process that dies between a message's effect
///               and the record has it again.
/// Order:        as the source delivers. A message that another owner has claimed, and one that the store has no room
///               for, waits, and all behind it: at most as long as a claim of the store lasts.
/// Store away:   nothing is handed on and nothing settled until it is back; messages wait unsettled, so that the source
///               stops at its unsettled_max. stop() gives back what waits, and settles what is done without the record.
/// Batches:      what has come, or was answered, while the store was at work goes into its next call.
/// Threads:      as Source's; deliver is called on a thread of this object. The store is called on it alone.
class DeduplicatedSource final : public Source {
 public:
  /// Throws ConfigError without a source, a store, a key or an owner.
  DeduplicatedSource(std::unique_ptr<Source> source, DeduplicatedSourceOptions options);
  /// Stops without waiting.
  ~DeduplicatedSource() override;

  [[nodiscard]] Status start(Deliver deliver) override;
  void pause() override { source_->pause(); }
  void resume() override { source_->resume(); }
  std::size_t stop(std::chrono::milliseconds deadline) override;
  [[nodiscard]] Health health() const override { return source_->health(); }
  [[nodiscard]] Capabilities capabilities() const override { return source_->capabilities(); }

  /// Messages that were not handed on, since they were copies. @thread any
  [[nodiscard]] std::uint64_t copies() const;

 private:
  void close();
  [[nodiscard]] std::shared_ptr<DedupDesk> desk() const;

  const std::unique_ptr<Source> source_;
  const DeduplicatedSourceOptions options_;
  mutable std::mutex mutex_;  ///< desk_
  std::shared_ptr<DedupDesk> desk_;
  std::mutex closing_;
  std::thread thread_;  ///< of the desk
};

}  // namespace headrace
