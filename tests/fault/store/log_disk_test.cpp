// The log that the writer hands over in pieces (adapters/sqlite/src/log_file.hpp), over file systems that do what
// SQLite allows and the system's does not.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <string>

#include "headrace/sqlite/event_store.hpp"
#include "passing_disk.hpp"
#include "plain_connection.hpp"
#include "sqlite/src/log_file.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {
namespace {

/// What a file system of somebody's may be like; passes everything on to the system's. One at a time.
class OddDisk {
 public:
  OddDisk() {
    vfs_ = passing::disk(kName, [](sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* to) {
      OddDisk& self = of(vfs);
      const int code = passing::open(name, file, flags, to, methods());
      if (code != SQLITE_OK) return code;
      ++self.open_files;
      return self.no_log && (flags & SQLITE_OPEN_WAL) != 0 ? SQLITE_CANTOPEN : SQLITE_OK;
    });
    vfs_.xDelete = [](sqlite3_vfs* vfs, const char* name, int sync) {
      sqlite3_vfs* const system = of(vfs).system();
      return system->xDelete(system, name, sync);
    };
    vfs_.xAccess = [](sqlite3_vfs* vfs, const char* name, int flags, int* found) {
      sqlite3_vfs* const system = of(vfs).system();
      return system->xAccess(system, name, flags, found);
    };
    vfs_.xFullPathname = [](sqlite3_vfs* vfs, const char* name, int bytes, char* to) {
      sqlite3_vfs* const system = of(vfs).system();
      return system->xFullPathname(system, name, bytes, to);
    };
    the_only = this;
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~OddDisk() { sqlite3_vfs_unregister(&vfs_); }
  OddDisk(const OddDisk&) = delete;
  OddDisk& operator=(const OddDisk&) = delete;

  static constexpr const char* kName = "headrace-odd-disk";
  bool no_log = false;         ///< logs do not open, but are to be closed
  bool tears_sectors = false;  ///< of 8 KB, and what stood beside what is written may be lost with the power
  int open_files = 0;
  int calls_as_another = 0;  ///< with a file system that is not this one

 private:
  static inline OddDisk* the_only = nullptr;

  static OddDisk& of(sqlite3_vfs* vfs) {
    if (vfs != &the_only->vfs_) ++the_only->calls_as_another;
    return *the_only;
  }
  [[nodiscard]] sqlite3_vfs* system() const { return passing::system_disk(); }

  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods all = [] {
      sqlite3_io_methods made = passing::methods();
      made.xClose = [](sqlite3_file* file) {
        --the_only->open_files;
        return passing::real_methods(file).xClose(passing::real(file));
      };
      made.xSectorSize = [](sqlite3_file* file) {
        return the_only->tears_sectors ? 8192 : passing::real_methods(file).xSectorSize(passing::real(file));
      };
      made.xDeviceCharacteristics = [](sqlite3_file* file) {
        const int traits = passing::real_methods(file).xDeviceCharacteristics(passing::real(file));
        return the_only->tears_sectors ? traits & ~SQLITE_IOCAP_POWERSAFE_OVERWRITE : traits;
      };
      return made;
    }();
    return all;
  }

  sqlite3_vfs vfs_{};
};

using Room = sqlite::GatheredLog::Room;

// Claim:  a file system that has no memory for several connections is refused with an error.
// Method: two of SQLite's own.
TEST(SqliteStoreElsewhere, WithoutSharedMemoryIsRefused) {
  for (const std::string vfs : {"unix-dotfile", "unix-none"}) {
    SCOPED_TRACE(vfs);
    const TemporaryFolder folder;
    const auto store = SqliteEventStore::open({.file = folder / "events.db", .vfs = vfs});
    ASSERT_FALSE(store);
    EXPECT_NE(store.error().what.find("shared memory"), std::string::npos) << store.error().what;
  }
}

// Claim:  a file system is called as itself, so that it finds what it keeps behind SQLite's part.
TEST(GatheredLogElsewhere, CallsItsFileSystemAsItself) {
  const TemporaryFolder folder;
  OddDisk disk;
  {
    const sqlite::GatheredLog log(OddDisk::kName, Room::ahead);
    Plain writer(folder / "plain.db", log.vfs());
    ASSERT_EQ(writer.run("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)"), SQLITE_OK);
  }
  EXPECT_EQ(disk.calls_as_another, 0);
}

// Claim:  a log that its file system could not open, and left to be closed, is closed.
TEST(GatheredLogElsewhere, ClosesWhatDidNotOpen) {
  const TemporaryFolder folder;
  OddDisk disk;
  {
    const sqlite::GatheredLog log(OddDisk::kName, Room::ahead);
    Plain writer(folder / "plain.db", log.vfs());
    disk.no_log = true;
    EXPECT_NE(writer.run("PRAGMA journal_mode = WAL; CREATE TABLE t (a)"), SQLITE_OK);
    disk.no_log = false;
    EXPECT_EQ(writer.run("PRAGMA journal_mode = WAL; CREATE TABLE t (a)"), SQLITE_OK);
  }
  EXPECT_EQ(disk.open_files, 0);
}

// Claim:  a frame of which SQLite flushes a part goes to the file with its rest, however short that is.
// Method: sectors of two pages, which SQLite fills behind each commit with copies of its last frame, until the border has stood at every
//         place of a frame. What changes stands at the page's end. Another connection looks each time.
TEST(GatheredLogElsewhere, RestsOfFramesAreThere) {
  const TemporaryFolder folder;
  OddDisk disk;
  disk.tears_sectors = true;
  const auto file = folder / "plain.db";
  const sqlite::GatheredLog log(OddDisk::kName, Room::as_needed);
  Plain writer(file, log.vfs());
  ASSERT_EQ(writer.run("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                       "PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a)"),
            SQLITE_OK);
  ASSERT_EQ(writer.run("INSERT INTO t VALUES ('')"), SQLITE_OK);
  for (int round = 1; round <= 1100; ++round) {
    SCOPED_TRACE(round);
    const std::string number = std::to_string(round);
    ASSERT_EQ(writer.run("UPDATE t SET a = printf('%04000d', " + number + ")"), SQLITE_OK);
    ASSERT_EQ(Plain(file).text("SELECT CAST(substr(a, -20) AS INTEGER) FROM t"), number);
  }
}

}  // namespace
}  // namespace headrace::test
