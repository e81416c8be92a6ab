#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "headrace/port/deduplicated_source.hpp"

namespace headrace {

/// What stands between a deduplicated source's broker, its store, and those that handle its messages: it outlives the
/// source for those that answer late.
/// Threads: arrive() the source's, settle() and reject() any, run() one of its own, the rest any.
class DedupDesk final : public SettlementTarget, public std::enable_shared_from_this<DedupDesk> {
 public:
  DedupDesk(const DeduplicatedSourceOptions& options, Source::Deliver deliver);

  void arrive(ReceivedMessage&& received);
  void settle(std::uint64_t tag, Settlement settlement) noexcept override { take({tag, settlement, {}}); }
  void reject(std::uint64_t tag, std::string_view reason) noexcept override {
    take({tag, Settlement::reject, std::string(reason)});
  }
  /// Asks the store, hands on, and tells the broker, until close().
  void run();
  /// Hands nothing on any more; answers still come.
  void drain() { enter(Phase::drains); }
  void close() { enter(Phase::closed); }
  [[nodiscard]] std::uint64_t copies() const;

 private:
  enum class Phase : std::uint8_t { runs, drains, closed };
  struct Arrival {
    ReceivedMessage received;
    std::optional<DedupKey> key;
  };
  struct Open {
    std::optional<DedupKey> key;
    std::vector<Settle> settles;  ///< the first's, and its copies'
  };
  struct Answer {
    std::uint64_t tag;
    Settlement settlement;
    std::string reason;  ///< of a rejection
  };
  using Keys = std::vector<DedupKey>;
  using Claims = std::vector<DedupAnswer>;

  void take(Answer answer) noexcept;
  void enter(Phase phase);
  // @thread of run()
  [[nodiscard]] bool wait();
  [[nodiscard]] bool has_answered(const Status& answer);
  void rest();
  void end_answered();
  void tell(const Answer& answer);
  [[nodiscard]] bool admit();
  [[nodiscard]] bool claim(const Keys& keys, Claims& claims);
  void hand_on(Arrival&& arrival);
  void renew();
  void count_copy();

  const DeduplicatedSourceOptions options_;
  const Source::Deliver deliver_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Behind the lock:
  std::vector<Arrival> arrived_;
  std::vector<Answer> answered_;
  Phase phase_ = Phase::runs;
  std::uint64_t copies_ = 0;
  // owner: the thread of run()
  std::deque<Arrival> waiting_;                   ///< for the store's word
  std::deque<Answer> ending_;                     ///< that the store is to know before the broker
  std::unordered_map<std::uint64_t, Open> open_;  ///< handed on, by tag
  std::map<DedupKey, std::uint64_t> by_key_;      ///< the tags of those that have a key
  std::uint64_t last_tag_ = 0;
  bool drains_ = false;
  Backoff backoff_;
  std::chrono::steady_clock::time_point again_at_;  ///< the store is not asked before
  std::chrono::steady_clock::time_point renew_at_;
};

}  // namespace headrace
