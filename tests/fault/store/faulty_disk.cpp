#include "faulty_disk.hpp"

#include <sqlite3.h>

#include <mutex>
#include <set>

namespace headrace::test {
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

/// Ours; the system's file lies behind it in the same memory.
struct File {
  sqlite3_file base;
  const char* name;
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}

sqlite3_vfs* system_disk() {
  static sqlite3_vfs* const found = sqlite3_vfs_find(nullptr);
  return found;
}

int do_close(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
int do_read(sqlite3_file* file, void* to, int bytes, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, bytes, at);
}
int do_write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
  const bool full = must_fail(DiskFault::write_full);
  if (full || must_fail(DiskFault::write_failed)) {
    // A disk may take half of it.
    static_cast<void>(real(file)->pMethods->xWrite(real(file), from, bytes / 2, at));
    return full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  }
  return real(file)->pMethods->xWrite(real(file), from, bytes, at);
}
int do_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (must_fail(DiskFault::truncate_failed)) return SQLITE_IOERR_TRUNCATE;
  return real(file)->pMethods->xTruncate(real(file), size);
}
int do_sync(sqlite3_file* file, int) {
  const std::string name = reinterpret_cast<File*>(file)->name ? reinterpret_cast<File*>(file)->name : "";
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
int do_size(sqlite3_file* file, sqlite3_int64* size) { return real(file)->pMethods->xFileSize(real(file), size); }
int do_lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int do_unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int do_check_lock(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int do_control(sqlite3_file* file, int what, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), what, argument);
}
int do_sector(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int do_traits(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
int do_shm_map(sqlite3_file* file, int page, int bytes, int extend, void volatile** to) {
  return real(file)->pMethods->xShmMap(real(file), page, bytes, extend, to);
}
int do_shm_lock(sqlite3_file* file, int at, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), at, count, flags);
}
void do_shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int do_shm_unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

// Version 2: without memory-mapped reading, which would pass us by.
const sqlite3_io_methods kMethods = {
    2,           do_close,       do_read,       do_write,   do_truncate, do_sync,   do_size,
    do_lock,     do_unlock,      do_check_lock, do_control, do_sector,   do_traits, do_shm_map,
    do_shm_lock, do_shm_barrier, do_shm_unmap,  nullptr,    nullptr,
};

int do_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;
  if (must_fail(DiskFault::open_failed)) return SQLITE_CANTOPEN;
  const int code = system_disk()->xOpen(system_disk(), name, real(file), flags, flags_out);
  if (code != SQLITE_OK) return code;
  reinterpret_cast<File*>(file)->name = name;
  file->pMethods = &kMethods;
  return SQLITE_OK;
}

sqlite3_vfs& disk() {
  static sqlite3_vfs made = [] {
    sqlite3_vfs vfs = *system_disk();
    vfs.zName = kName;
    vfs.szOsFile = static_cast<int>(sizeof(File)) + system_disk()->szOsFile;
    vfs.xOpen = do_open;
    vfs.pNext = nullptr;
    return vfs;
  }();
  return made;
}

}  // namespace

FaultyDisk::FaultyDisk() {
  sqlite3_vfs_register(&disk(), 0);
  heal();
  state().unflushed.clear();
  state().flushes_after_failure = 0;
}

FaultyDisk::~FaultyDisk() {
  serves_all(false);
  sqlite3_vfs_unregister(&disk());
}

void FaultyDisk::fail(DiskFault fault, std::uint64_t nth, std::uint64_t times) {
  const std::lock_guard lock(state().mutex);
  state().fault = fault;
  state().left = nth;
  state().times = times;
  state().failed = false;
}

void FaultyDisk::heal() { fail(DiskFault::write_full, 0, 0); }

bool FaultyDisk::has_failed() const {
  const std::lock_guard lock(state().mutex);
  return state().failed;
}

std::uint64_t FaultyDisk::flushes_after_failure() const {
  const std::lock_guard lock(state().mutex);
  return state().flushes_after_failure;
}

void FaultyDisk::serves_all(bool all) {
  static sqlite3_vfs* const system = system_disk();
  sqlite3_vfs_register(all ? &disk() : system, 1);
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
  static const std::string text = kName;
  return text;
}

}  // namespace headrace::test
