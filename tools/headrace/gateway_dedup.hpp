#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway_config.hpp"
#include "headrace/port/deduplicated_source.hpp"
#include "headrace/port/metric.hpp"

namespace headrace::program {

/// Whether this build has the store, and its URL can be used. Errors repeat nothing of the URL.
[[nodiscard]] Status check_dedup(const DedupConfig& config);

/// The memory of a gateway's sources, beyond its restarts. A source that tells copies apart becomes one that asks a store.
/// Threads:  health() any; the rest one.
class GatewayDedup {
 public:
  using Stores = std::function<std::shared_ptr<DedupStore>(const std::string& scope)>;

  /// An error is the file's. Throws ConfigError for a Redis password that cannot be read.
  [[nodiscard]] static Result<std::unique_ptr<GatewayDedup>> open(const GatewayConfig& config);

  /// `changed` is told how the store stands, on a thread of the source's own.
  [[nodiscard]] std::unique_ptr<DeduplicatedSource> wrap(std::unique_ptr<Source> source,
                                                         const SourceEndConfig& config,
                                                         HealthBoard::Changed changed);
  /// Of the store, as each source sees it.
  [[nodiscard]] std::vector<NamedHealth> health() const;

 private:
  GatewayDedup(DedupConfig config, std::string owner, Stores stores);

  const DedupConfig config_;
  const std::string owner_;
  const Stores stores_;
  std::vector<std::pair<std::string, std::shared_ptr<HealthBoard>>> boards_;
};

/// The end of this source's store, in messages.
[[nodiscard]] std::string dedup_name(const SourceEndConfig& source);

}  // namespace headrace::program
