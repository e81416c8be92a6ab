#pragma once

#include <sqlite3.h>

#include <string>

/// A file system of SQLite's that passes everything on to the system's, for tests that put something in between.
namespace headrace::test::passing {

/// SQLite's handle; the system's file lies behind it in the same memory.
struct File {
  sqlite3_file base;
  const char* name;
};

inline sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}
inline const sqlite3_io_methods& real_methods(sqlite3_file* file) { return *real(file)->pMethods; }
inline std::string name_of(sqlite3_file* file) {
  const char* name = reinterpret_cast<File*>(file)->name;
  return name ? name : "";
}

inline sqlite3_vfs* system_disk() {
  static sqlite3_vfs* const found = sqlite3_vfs_find(nullptr);
  return found;
}

/// To be changed in places. Version 2: without memory-mapped reading, which would pass us by.
inline sqlite3_io_methods methods() {
  using F = sqlite3_file;
  sqlite3_io_methods all{};
  all.iVersion = 2;
  all.xClose = [](F* file) { return real_methods(file).xClose(real(file)); };
  all.xRead = [](F* file, void* to, int bytes, sqlite3_int64 at) {
    return real_methods(file).xRead(real(file), to, bytes, at);
  };
  all.xWrite = [](F* file, const void* from, int bytes, sqlite3_int64 at) {
    return real_methods(file).xWrite(real(file), from, bytes, at);
  };
  all.xTruncate = [](F* file, sqlite3_int64 size) { return real_methods(file).xTruncate(real(file), size); };
  all.xSync = [](F* file, int flags) { return real_methods(file).xSync(real(file), flags); };
  all.xFileSize = [](F* file, sqlite3_int64* size) { return real_methods(file).xFileSize(real(file), size); };
  all.xLock = [](F* file, int level) { return real_methods(file).xLock(real(file), level); };
  all.xUnlock = [](F* file, int level) { return real_methods(file).xUnlock(real(file), level); };
  all.xCheckReservedLock = [](F* file, int* held) {
    return real_methods(file).xCheckReservedLock(real(file), held);
  };
  all.xFileControl = [](F* file, int what, void* argument) {
    return real_methods(file).xFileControl(real(file), what, argument);
  };
  all.xSectorSize = [](F* file) { return real_methods(file).xSectorSize(real(file)); };
  all.xDeviceCharacteristics = [](F* file) { return real_methods(file).xDeviceCharacteristics(real(file)); };
  all.xShmMap = [](F* file, int page, int bytes, int extend, void volatile** to) {
    return real_methods(file).xShmMap(real(file), page, bytes, extend, to);
  };
  all.xShmLock = [](F* file, int at, int count, int flags) {
    return real_methods(file).xShmLock(real(file), at, count, flags);
  };
  all.xShmBarrier = [](F* file) { real_methods(file).xShmBarrier(real(file)); };
  all.xShmUnmap = [](F* file, int remove) { return real_methods(file).xShmUnmap(real(file), remove); };
  return all;
}

/// Opens the system's file and has `methods` serve it.
inline int open(const char* name, sqlite3_file* file, int flags, int* flags_out,
                const sqlite3_io_methods& methods) {
  file->pMethods = nullptr;
  const int code = system_disk()->xOpen(system_disk(), name, real(file), flags, flags_out);
  if (code != SQLITE_OK) return code;
  reinterpret_cast<File*>(file)->name = name;
  file->pMethods = &methods;
  return SQLITE_OK;
}

/// Under that name, and with `xOpen` for its files.
inline sqlite3_vfs disk(const char* name, int (*open)(sqlite3_vfs*, const char*, sqlite3_file*, int, int*)) {
  sqlite3_vfs vfs = *system_disk();
  vfs.zName = name;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + system_disk()->szOsFile;
  vfs.xOpen = open;
  vfs.pNext = nullptr;
  return vfs;
}

}  // namespace headrace::test::passing
