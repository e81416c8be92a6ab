#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "headrace/port/dead_letter_store.hpp"

namespace headrace {

/// When an append is answered.
enum class SqliteDurability : std::uint8_t {
  full,    ///< after fdatasync: survives a power cut
  normal,  ///< once the system has it: survives a crash of the process; a power cut may take the newest events
  memory,  ///< the same, and the file may be damaged by a power cut: for tests and for what can be made again
};

enum class SqliteAccess : std::uint8_t {
  read,    ///< changes nothing; a missing file, or one of another schema version, is an error
  write,   ///< a missing file is an error
  create,  ///< makes the file where it is missing
};

struct SqliteOptions {
  std::filesystem::path file;
  SqliteAccess access = SqliteAccess::create;
  SqliteDurability durability = SqliteDurability::full;

  /// How long to wait for another program that writes to the file.
  std::chrono::milliseconds busy_timeout{5000};
  /// How often to look for what other programs appended, while somebody waits for events.
  std::chrono::milliseconds foreign_poll{100};

  std::size_t group_requests_max = 4096;   ///< appends that share one transaction
  std::size_t queue_requests_max = 65536;  ///< waiting for the writer; beyond that an append is refused
  std::size_t readers_idle_max = 8;        ///< connections kept open for reading
  std::size_t cache_bytes = 16U << 20;     ///< page cache of each connection
  std::size_t wal_pages = 4096;            ///< log this long, then move it into the file

  std::string vfs{};  ///< SQLite's name of the file system to use, one with shared memory; empty: the system's
};

struct SqliteDeadLetterOptions {
  std::size_t letters_max = 65'536;
  WhenFull when_full = WhenFull::refuse;
};

struct SqliteDedupOptions {
  std::string scope;  ///< whose events: a group of consumers
  std::size_t events_max = 65'536;
  std::chrono::nanoseconds window = std::chrono::minutes{10};
  std::chrono::nanoseconds claim_for = std::chrono::minutes{1};  ///< then another owner may run the event
};

}  // namespace headrace
