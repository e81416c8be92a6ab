#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "headrace/base/result.hpp"
#include "headrace/port/message.hpp"

namespace headrace::program {

class TomlSection;

/// Where an end of a gateway leaves content that is too large to travel, or fetches it from.
struct ClaimsConfig {
  std::filesystem::path folder;                     ///< resolved against the config's folder
  std::size_t travels_max = std::size_t{64} << 10;  ///< of a sink: larger content stays in the folder
  std::size_t bytes_max = std::size_t{256} << 20;   ///< larger content is rejected
  std::string identity;                             ///< of a sink: the header that copies share; empty: none
};

enum class ClaimsOf { source, sink };

/// Reads `claims` of an end, which may lack.
[[nodiscard]] std::optional<ClaimsConfig> read_claims(TomlSection& end, ClaimsOf of,
                                                      const std::filesystem::path& folder);

/// What a source's bridge does to each message: its content is fetched. Throws ConfigError for a folder that cannot be
/// used, and makes it where it is not there.
[[nodiscard]] std::function<Status(Message&)> fetch_claims(const ClaimsConfig& config);
/// And a sink's: large content is left.
[[nodiscard]] std::function<Status(Message&)> leave_claims(const ClaimsConfig& config);

}  // namespace headrace::program
