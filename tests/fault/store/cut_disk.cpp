#include "cut_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <mutex>
#include <random>
#include <vector>

#include "passing_disk.hpp"

namespace headrace::test {
namespace cut {
namespace {

constexpr const char* kName = "headrace-cut-disk";
constexpr std::size_t kSectorBytes = 512;

using Bytes = std::vector<std::byte>;

struct Write {
  sqlite3_int64 at;
  Bytes before, after;
};

struct State {
  std::mutex mutex;
  std::uint64_t left = 0;  ///< operations until the cut; 0: it does not come
  bool cut = false;
  std::map<std::string, std::vector<Write>> unflushed;  ///< by file, in their order
};

State& state() {
  static State one;
  return one;
}

/// With the lock held. Whether this operation is still done; the one that the cut comes in is not.
bool has_power() {
  State& now = state();
  if (now.left > 0 && --now.left == 0) now.cut = true;
  return !now.cut;
}

/// What the file holds there; zeros behind its end.
Bytes read_before(sqlite3_file* file, std::size_t bytes, sqlite3_int64 at) {
  Bytes before(bytes);
  static_cast<void>(
      passing::real_methods(file).xRead(passing::real(file), before.data(), static_cast<int>(bytes), at));
  return before;
}

int do_write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
  const std::lock_guard lock(state().mutex);
  if (state().cut) return SQLITE_IOERR_WRITE;
  const auto* first = static_cast<const std::byte*>(from);
  state().unflushed[passing::name_of(file)].push_back(
      {at, read_before(file, static_cast<std::size_t>(bytes), at), Bytes(first, first + bytes)});
  const int code = passing::real_methods(file).xWrite(passing::real(file), from, bytes, at);
  return has_power() ? code : SQLITE_IOERR_WRITE;  // parts of the last one may be there too
}
int do_truncate(sqlite3_file* file, sqlite3_int64 size) {
  const std::lock_guard lock(state().mutex);
  return has_power() ? passing::real_methods(file).xTruncate(passing::real(file), size) : SQLITE_IOERR_TRUNCATE;
}
int do_sync(sqlite3_file* file, int) {
  const std::lock_guard lock(state().mutex);
  if (!has_power()) return SQLITE_IOERR_FSYNC;
  state().unflushed[passing::name_of(file)].clear();
  return SQLITE_OK;
}
const sqlite3_io_methods& cut_methods() {
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
  return passing::open(name, file, flags, flags_out, cut_methods());
}

int do_delete(sqlite3_vfs*, const char* name, int sync_folder) {
  const std::lock_guard lock(state().mutex);
  if (state().cut) return SQLITE_IOERR_DELETE;
  state().unflushed.erase(name);
  return passing::system_disk()->xDelete(passing::system_disk(), name, sync_folder);
}

sqlite3_vfs& disk() {
  static sqlite3_vfs made = [] {
    sqlite3_vfs vfs = passing::disk(kName, do_open);
    vfs.xDelete = do_delete;
    return vfs;
  }();
  return made;
}

void put(int file, const Bytes& bytes, std::size_t from, std::size_t until, sqlite3_int64 at) {
  static_cast<void>(::pwrite(file, bytes.data() + from, until - from, at + static_cast<sqlite3_int64>(from)));
}

}  // namespace
}  // namespace cut

CutDisk::CutDisk() {
  sqlite3_vfs_register(&cut::disk(), 0);
  cut_at(0);
  cut::state().unflushed.clear();
}

CutDisk::~CutDisk() { sqlite3_vfs_unregister(&cut::disk()); }

void CutDisk::cut_at(std::uint64_t nth) {
  const std::lock_guard lock(cut::state().mutex);
  cut::state().left = nth;
  cut::state().cut = false;
}

bool CutDisk::is_cut() const {
  const std::lock_guard lock(cut::state().mutex);
  return cut::state().cut;
}

void CutDisk::lose_what_was_not_flushed(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (const auto& [name, writes] : cut::state().unflushed) {
    const int file = ::open(name.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) continue;
    for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
      cut::put(file, write->before, 0, write->before.size(), write->at);
    }
    for (const cut::Write& write : writes) {
      const std::size_t end = write.after.size();
      for (std::size_t from = 0, until = 0; from < end; from = until) {
        const std::size_t to_next =
            cut::kSectorBytes - (static_cast<std::size_t>(write.at) + from) % cut::kSectorBytes;
        until = std::min(end, from + to_next);
        if (random() % 2 == 0) cut::put(file, write.after, from, until, write.at);
      }
    }
    ::close(file);
  }
  cut::state().unflushed.clear();
}

const std::string& CutDisk::name() {
  static const std::string text = cut::kName;
  return text;
}

}  // namespace headrace::test
