#pragma once

#include <cstdint>
#include <string>

namespace headrace::test {

/// A file system of SQLite's whose nth operation fails.
enum class DiskFault {
  write_full,    ///< ENOSPC
  write_failed,  ///< EIO
  sync_failed,   ///< EIO at fsync
  open_failed,
  truncate_failed,
};

[[nodiscard]] std::string to_string(DiskFault fault);

/// Passes everything on to the system's file system, and counts. One at a time in a process.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// The nth operation of this kind from now on fails, from 1, and `times - 1` after it.
  void fail(DiskFault fault, std::uint64_t nth, std::uint64_t times);
  void heal();
  [[nodiscard]] bool has_failed() const;
  /// Flushes tried of a file of which one had failed before.
  [[nodiscard]] std::uint64_t flushes_after_failure() const;

  static const std::string& name();
  /// Whether files that are opened without a name of a file system are on this disk.
  static void serves_all(bool all);
};

}  // namespace headrace::test
