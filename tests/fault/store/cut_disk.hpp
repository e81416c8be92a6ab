#pragma once

#include <cstdint>
#include <string>

namespace headrace::test {

/// A file system of SQLite's that loses its power: from one operation on nothing comes to the disk, and of what was
/// written since a file's last flush each sector is there afterwards, or not, by chance. Passes everything on to the
/// system's file system till then. One at a time in a process.
class CutDisk {
 public:
  CutDisk();
  ~CutDisk();
  CutDisk(const CutDisk&) = delete;
  CutDisk& operator=(const CutDisk&) = delete;

  /// At the nth write, flush or change of length from now on, from 1; 0: never.
  void cut_at(std::uint64_t nth);
  [[nodiscard]] bool is_cut() const;
  /// When nobody has a file open any more: leaves behind what the disk holds.
  void lose_what_was_not_flushed(std::uint64_t seed);

  static const std::string& name();
};

}  // namespace headrace::test
