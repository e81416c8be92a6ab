#include "faulty_disk.hpp"

#include <mutex>
#include <set>

#include "passing_disk.hpp"

namespace headrace::test {
namespace faulty {
namespace {

constexpr const char* kName = "headrace-faulty-disk";

struct State {
  std::mutex mutex;
  DiskFault fault = DiskFault::write_full;
  std::uint64_t left = 0;  ///< operations until the first that fails; 0: none will
  std::uint64_t times = 0;
  bool failed = false;
  std::set<std::string> unflushed;  ///< files of which a flush failed
  std::uint64_t flushes_after_failure = 0;
};

State& state() {
  static State one;
  return one;
}

bool must_fail(DiskFault kind) {
  State& now = state();
  const std::lock_guard lock(now.mutex);
  if (now.fault != kind || now.left == 0) return false;
  if (now.left > 1) return --now.left, false;
  now.failed = true;
  if (--now.times == 0) now.left = 0;
  return true;
}

int do_write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
  const bool full = must_fail(DiskFault::write_full);
  if (full || must_fail(DiskFault::write_failed)) {
    // A disk may take half of it.
    static_cast<void>(passing::real_methods(file).xWrite(passing::real(file), from, bytes / 2, at));
    return full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  }
  return passing::real_methods(file).xWrite(passing::real(file), from, bytes, at);
}
int do_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (must_fail(DiskFault::truncate_failed)) return SQLITE_IOERR_TRUNCATE;
  return passing::real_methods(file).xTruncate(passing::real(file), size);
}
int do_sync(sqlite3_file* file, int) {
  const std::string name = passing::name_of(file);
  {
    State& now = state();
    const std::lock_guard lock(now.mutex);
    now.flushes_after_failure += now.unflushed.count(name);
  }
  if (must_fail(DiskFault::sync_failed)) {
    const std::lock_guard lock(state().mutex);
    state().unflushed.insert(name);
    return SQLITE_IOERR_FSYNC;
  }
  // Nobody cuts the power under this disk: what the system has written is there, and its own flush would cost time only.
  return SQLITE_OK;
}
const sqlite3_io_methods& faulty_methods() {
  static const sqlite3_io_methods all = [] {
    sqlite3_io_methods made = passing::methods();
    made.xWrite = do_write;
    made.xTruncate = do_truncate;
    made.xSync = do_sync;
    return made;
  }();
  return all;
}

int do_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;
  if (must_fail(DiskFault::open_failed)) return SQLITE_CANTOPEN;
  return passing::open(name, file, flags, flags_out, faulty_methods());
}

sqlite3_vfs& disk() {
  static sqlite3_vfs made = passing::disk(kName, do_open);
  return made;
}

}  // namespace
}  // namespace faulty

FaultyDisk::FaultyDisk() {
  sqlite3_vfs_register(&faulty::disk(), 0);
  heal();
  faulty::state().unflushed.clear();
  faulty::state().flushes_after_failure = 0;
}

FaultyDisk::~FaultyDisk() {
  serves_all(false);
  sqlite3_vfs_unregister(&faulty::disk());
}

void FaultyDisk::fail(DiskFault fault, std::uint64_t nth, std::uint64_t times) {
  const std::lock_guard lock(faulty::state().mutex);
  faulty::state().fault = fault;
  faulty::state().left = nth;
  faulty::state().times = times;
  faulty::state().failed = false;
}

void FaultyDisk::heal() { fail(DiskFault::write_full, 0, 0); }

bool FaultyDisk::has_failed() const {
  const std::lock_guard lock(faulty::state().mutex);
  return faulty::state().failed;
}

std::uint64_t FaultyDisk::flushes_after_failure() const {
  const std::lock_guard lock(faulty::state().mutex);
  return faulty::state().flushes_after_failure;
}

void FaultyDisk::serves_all(bool all) {
  static sqlite3_vfs* const system = passing::system_disk();
  sqlite3_vfs_register(all ? &faulty::disk() : system, 1);
}

std::string to_string(DiskFault fault) {
  switch (fault) {
    case DiskFault::write_full:
      return "Full";
    case DiskFault::write_failed:
      return "WriteFails";
    case DiskFault::sync_failed:
      return "FlushFails";
    case DiskFault::open_failed:
      return "OpenFails";
    case DiskFault::truncate_failed:
      return "TruncateFails";
  }
  return "Other";
}

const std::string& FaultyDisk::name() {
  static const std::string text = faulty::kName;
  return text;
}

}  // namespace headrace::test
