#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"
#include "console.hpp"
#include "headrace/base/cache_line.hpp"
#include "output_file.hpp"
#include "store_output.hpp"

namespace headrace::program {

/// How a handler publishes; keeps the bus out of the actions.
class Forwarding {
 public:
  virtual ~Forwarding() = default;
  /// False when the bus did not take it.
  [[nodiscard]] virtual bool publish(std::string_view topic, Record record) = 0;
};

struct WorkTally {
  std::uint64_t alerts = 0;
  std::uint64_t printed = 0;
  std::uint64_t written = 0;  ///< to the file or the store, once for each
  std::uint64_t forwarded = 0;
  std::uint64_t forwards_refused = 0;  ///< by the bus, or for want of a topic
  std::map<std::string, std::uint64_t, std::less<>> counts;
  std::uint64_t counts_beyond = 0;  ///< events whose count_by value came after kCountsMax others

  WorkTally& operator+=(const WorkTally& other);
};

/// What one subscription does with its events, in this order: count, print, write, store, alert, forward.
/// Threads:  handle() by any worker, each with its own tally; total() when no worker handles any more.
class SubscriptionWork {
 public:
  static constexpr std::size_t kCountsMax = 10'000;
  static constexpr std::uint32_t kHopsMax = 16;

  /// `file` and `store` may be null, and may be shared by subscriptions that write to the same path.
  SubscriptionWork(const SubscriptionConfig& config, std::uint32_t workers, Console& console,
                   std::shared_ptr<OutputFile> file, std::shared_ptr<StoreOutput> store = nullptr);

  /// Throws std::runtime_error when a file cannot be written or the event has been forwarded kHopsMax times:
  /// the bus counts it as failed.
  void handle(const Record& record, std::string_view topic, std::uint32_t worker, Forwarding& forwarding);

  [[nodiscard]] WorkTally total() const;
  [[nodiscard]] const SubscriptionConfig& config() const noexcept { return config_; }

 private:
  struct alignas(kNoSharingBytes) PerWorker {
    WorkTally tally;
    std::string text;  // reused from event to event
  };
  void count(const Record& record, std::string_view topic, PerWorker& mine) const;
  void store(const Record& record, std::string_view topic, PerWorker& mine) const;
  void forward(const Record& record, PerWorker& mine, Forwarding& forwarding) const;

  const SubscriptionConfig& config_;
  Console& console_;
  const std::shared_ptr<OutputFile> file_;
  const std::shared_ptr<StoreOutput> store_;
  std::vector<PerWorker> workers_;
};

}  // namespace headrace::program
