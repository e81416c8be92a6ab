#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>

#include "gateway_server.hpp"

namespace headrace::program {

class TomlSection;

/// Where a gateway remembers which messages its sources had: a SQLite file or a Redis server.
struct DedupConfig {
  std::filesystem::path file;  ///< of SQLite, resolved against the config's folder; empty: Redis
  ServerConfig server;         ///< of Redis
  std::string scope = "headrace";
  std::string owner;  ///< empty: this machine and this config
  std::chrono::milliseconds window{3'600'000};
  std::chrono::milliseconds claim{60'000};
  std::size_t events_max = 1'000'000;  ///< of SQLite, of each source
};

/// Reads [dedup], which is there.
[[nodiscard]] DedupConfig read_dedup(TomlSection& section, const std::filesystem::path& folder);

}  // namespace headrace::program
