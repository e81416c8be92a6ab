#include "log_file.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>
#include <new>

namespace headrace::sqlite {
namespace log_file {

// A frame of the log is a header, then a page; writers hold the first lock of the shared memory:
// https://www.sqlite.org/walformat.html
constexpr int kFrameHeaderBytes = 24;
constexpr int kCommitAt = 4;  ///< 4 bytes of the header: not 0 in the last frame of a transaction
constexpr int kWriteLock = 0;
constexpr int kPieceBytes = 1 << 16;

inline bool is_of_commit(const void* header) {
  constexpr std::array<char, 4> kNoCommit{};
  return std::memcmp(static_cast<const char*>(header) + kCommitAt, kNoCommit.data(), kNoCommit.size()) != 0;
}

/// What else is written of a log is as long as no page is; but its own header, behind which a frame's comes too.
constexpr bool is_of_page_size(int bytes) { return std::has_single_bit(static_cast<unsigned>(bytes)); }

using Room = GatheredLog::Room;

/// The log's room, made ahead of what is written into it.
class LogEnd {
 public:
  explicit LogEnd(Room room) : room_(room) {}
  /// Another program may have shortened it.
  void look_again() { known_ = 0; }

  /// So that what ends there makes the file no longer. Only a disk that fails is an error; without room for zeros the
  /// file grows as it is written.
  [[nodiscard]] int before_write(sqlite3_file* log, sqlite3_int64 until) {
    if (room_ == Room::as_needed || until <= known_) return SQLITE_OK;
    if (const int code = log->pMethods->xFileSize(log, &known_); code != SQLITE_OK) return code;
    if (until <= known_) return SQLITE_OK;
    // A log that stays short is not made long.
    const sqlite3_int64 step = std::clamp(until, kStepBytesMin, kStepBytesMax);
    const sqlite3_int64 end = (until / step + 1) * step;
    for (sqlite3_int64 at = until; at < end;) {  // I4
      const auto bytes = static_cast<int>(std::min<sqlite3_int64>(kPieceBytes, end - at));
      const int code = log->pMethods->xWrite(log, kZeros.data(), bytes, at);
      if (code != SQLITE_OK) return (code & 0xff) == SQLITE_FULL ? SQLITE_OK : code;
      at += bytes;
      known_ = at;
    }
    return SQLITE_OK;
  }

 private:
  static constexpr sqlite3_int64 kStepBytesMin = 1 << 16;
  static constexpr sqlite3_int64 kStepBytesMax = 1 << 20;
  static constexpr std::array<std::byte, kPieceBytes> kZeros{};

  const Room room_;
  sqlite3_int64 known_ = 0;  ///< the file is this long, or was when it was looked at
};

/// What is held back of a log: a row of frames.
class Piece {
 public:
  explicit Piece(Room room) : end_of_log_(room) {}

  /// The handle of a log that is opened; its file is new, or another's by now.
  void begin_anew() {
    forget();
    end_of_log_.look_again();
    end_ = -1;
    next_ = Next::any;
  }

  [[nodiscard]] int write(sqlite3_file* log, const void* from, int bytes, sqlite3_int64 at) {
    if (failure_ != SQLITE_OK) return failure_;
    const bool follows = at == end_;
    const Next next = next_;
    end_ = at + bytes;
    next_ = is_of_page_size(bytes) ? Next::header : Next::any;
    if (at == 0) end_of_log_.look_again();  // the log begins anew
    // Whatever is not the next frame of a row (the log's own header, a frame or a checksum written once more, the first
    // frame behind another program's, the rest of one of which a part is flushed) goes through at once.
    if (!follows || bytes > kPieceBytes || next == Next::any ||
        (next == Next::header && bytes != kFrameHeaderBytes)) {
      const int code = hand_over(log);
      return code == SQLITE_OK ? put(log, from, bytes, at) : code;
    }
    if (next == Next::header) next_ = is_of_commit(from) ? Next::page_of_commit : Next::page;
    if (const int code = add(log, from, bytes, at); code != SQLITE_OK) return code;
    return next == Next::page_of_commit ? hand_over(log) : SQLITE_OK;  // I1
  }

  /// What is read is written first. Behind a piece that could not be written is nothing to be read.
  [[nodiscard]] int before_read(sqlite3_file* log, sqlite3_int64 until) {
    if (failure_ != SQLITE_OK) return until > at_ ? failure_ : SQLITE_OK;
    return hand_over(log);
  }

  [[nodiscard]] int hand_over(sqlite3_file* log) {
    if (failure_ != SQLITE_OK || bytes_ == 0) return failure_;
    failure_ = put(log, buffer_.data(), bytes_, at_);  // I3
    bytes_ = 0;
    return failure_;
  }

  void end_changes() { end_of_log_.look_again(); }

  /// The transaction is over: committed, then nothing is left, or undone.
  void forget() {
    bytes_ = 0;  // I2
    failure_ = SQLITE_OK;
  }

 private:
  enum class Next { any, header, page, page_of_commit };

  int add(sqlite3_file* log, const void* from, int bytes, sqlite3_int64 at) {
    if (bytes_ + bytes > kPieceBytes) {
      if (const int code = hand_over(log); code != SQLITE_OK) return code;
    }
    if (bytes_ == 0) at_ = at;
    std::memcpy(buffer_.data() + bytes_, from, static_cast<std::size_t>(bytes));
    bytes_ += bytes;
    return SQLITE_OK;
  }

  int put(sqlite3_file* log, const void* from, int bytes, sqlite3_int64 at) {
    const int code = end_of_log_.before_write(log, at + bytes);
    return code == SQLITE_OK ? log->pMethods->xWrite(log, from, bytes, at) : code;
  }

  LogEnd end_of_log_;
  int bytes_ = 0;
  sqlite3_int64 at_ = 0;    ///< where they belong
  sqlite3_int64 end_ = -1;  ///< of what was written or added last
  Next next_ = Next::any;
  int failure_ = SQLITE_OK;
  std::array<std::byte, kPieceBytes> buffer_;
};

}  // namespace log_file

namespace {

using log_file::Piece;

/// SQLite's handle of the database or its log, ours; the base's lies behind it in the same memory.
struct File {
  sqlite3_file handle;
  Piece* piece;  ///< the connection's
  bool is_log;
};

File& ours(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* base_of(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&ours(file) + 1); }
const sqlite3_io_methods& methods_of(sqlite3_file* file) { return *base_of(file)->pMethods; }

int hand_over(sqlite3_file* file) {
  return ours(file).is_log ? ours(file).piece->hand_over(base_of(file)) : SQLITE_OK;
}

int do_write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
  if (ours(file).is_log) return ours(file).piece->write(base_of(file), from, bytes, at);
  return methods_of(file).xWrite(base_of(file), from, bytes, at);
}
int do_read(sqlite3_file* file, void* to, int bytes, sqlite3_int64 at) {
  const int code = ours(file).is_log ? ours(file).piece->before_read(base_of(file), at + bytes) : SQLITE_OK;
  return code == SQLITE_OK ? methods_of(file).xRead(base_of(file), to, bytes, at) : code;
}
int do_close(sqlite3_file* file) {
  const int written = hand_over(file);
  const int closed = methods_of(file).xClose(base_of(file));
  return written == SQLITE_OK ? closed : written;
}
int do_truncate(sqlite3_file* file, sqlite3_int64 size) {
  const int code = hand_over(file);
  if (ours(file).is_log) ours(file).piece->end_changes();
  return code == SQLITE_OK ? methods_of(file).xTruncate(base_of(file), size) : code;
}
int do_sync(sqlite3_file* file, int flags) {
  const int code = hand_over(file);
  return code == SQLITE_OK ? methods_of(file).xSync(base_of(file), flags) : code;
}
int do_size(sqlite3_file* file, sqlite3_int64* size) {
  const int code = hand_over(file);
  return code == SQLITE_OK ? methods_of(file).xFileSize(base_of(file), size) : code;
}
int do_lock(sqlite3_file* file, int level) { return methods_of(file).xLock(base_of(file), level); }
int do_unlock(sqlite3_file* file, int level) { return methods_of(file).xUnlock(base_of(file), level); }
int do_check_lock(sqlite3_file* file, int* held) {
  return methods_of(file).xCheckReservedLock(base_of(file), held);
}
int do_control(sqlite3_file* file, int what, void* argument) {
  return methods_of(file).xFileControl(base_of(file), what, argument);
}
int do_sector(sqlite3_file* file) { return methods_of(file).xSectorSize(base_of(file)); }
int do_traits(sqlite3_file* file) { return methods_of(file).xDeviceCharacteristics(base_of(file)); }
int do_shm_map(sqlite3_file* file, int page, int bytes, int extend, void volatile** to) {
  return methods_of(file).xShmMap(base_of(file), page, bytes, extend, to);
}
int do_shm_lock(sqlite3_file* file, int first, int count, int flags) {
  constexpr int kUnlocksExclusive = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE;
  if (first == log_file::kWriteLock && flags == kUnlocksExclusive) ours(file).piece->forget();
  return methods_of(file).xShmLock(base_of(file), first, count, flags);
}
void do_shm_barrier(sqlite3_file* file) { methods_of(file).xShmBarrier(base_of(file)); }
int do_shm_unmap(sqlite3_file* file, int remove) { return methods_of(file).xShmUnmap(base_of(file), remove); }

// Files are not mapped: that is version 3.
constexpr sqlite3_io_methods kMethods = {
    2,           do_close,       do_read,       do_write,   do_truncate, do_sync,   do_size,
    do_lock,     do_unlock,      do_check_lock, do_control, do_sector,   do_traits, do_shm_map,
    do_shm_lock, do_shm_barrier, do_shm_unmap,  nullptr,    nullptr,
};
constexpr sqlite3_io_methods kMethodsWithoutSharedMemory = [] {
  sqlite3_io_methods some = kMethods;
  some.iVersion = 1;
  return some;
}();

bool has_shared_memory(const sqlite3_io_methods& methods) {
  return methods.iVersion >= 2 && methods.xShmMap != nullptr;
}

}  // namespace

struct GatheredLog::Vfs {
  Vfs(sqlite3_vfs* passes_to, const char* name, Room room) : vfs(*passes_to), base(passes_to), piece(room) {
    vfs.pNext = nullptr;
    vfs.zName = name;
    vfs.szOsFile += static_cast<int>(sizeof(File));
    vfs.xOpen = &Vfs::open;
    pass_on<&sqlite3_vfs::xDelete, &sqlite3_vfs::xAccess, &sqlite3_vfs::xFullPathname, &sqlite3_vfs::xDlOpen,
            &sqlite3_vfs::xDlError, &sqlite3_vfs::xDlSym, &sqlite3_vfs::xDlClose, &sqlite3_vfs::xRandomness,
            &sqlite3_vfs::xSleep, &sqlite3_vfs::xCurrentTime, &sqlite3_vfs::xGetLastError>();
    if (base->iVersion >= 2) pass_on<&sqlite3_vfs::xCurrentTimeInt64>();
    if (base->iVersion >= 3) {
      pass_on<&sqlite3_vfs::xSetSystemCall, &sqlite3_vfs::xGetSystemCall, &sqlite3_vfs::xNextSystemCall>();
    }
  }

  sqlite3_vfs vfs;  ///< first: SQLite knows this part only
  sqlite3_vfs* const base;
  Piece piece;

 private:
  static Vfs& of(sqlite3_vfs* vfs) { return *reinterpret_cast<Vfs*>(vfs); }

  /// The base is called as itself: it may have more behind SQLite's part, as this one does.
  template <auto Function>
  struct Passed;
  template <class Answer, class... Arguments, Answer (*sqlite3_vfs::*Function)(sqlite3_vfs*, Arguments...)>
  struct Passed<Function> {
    static Answer call(sqlite3_vfs* vfs, Arguments... arguments) {
      sqlite3_vfs* const base = of(vfs).base;
      return (base->*Function)(base, arguments...);
    }
  };
  template <auto... Functions>
  void pass_on() {
    ((vfs.*Functions = base->*Functions ? &Passed<Functions>::call : nullptr), ...);
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
    Vfs& self = of(vfs);
    if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0) {
      return self.base->xOpen(self.base, name, file, flags, flags_out);
    }
    const File& opened = *new (file) File{{nullptr}, &self.piece, (flags & SQLITE_OPEN_WAL) != 0};
    if (opened.is_log) self.piece.begin_anew();
    base_of(file)->pMethods = nullptr;
    const int code = self.base->xOpen(self.base, name, base_of(file), flags, flags_out);
    // Where there are methods SQLite closes the file, also one that did not open.
    if (const sqlite3_io_methods* const methods = base_of(file)->pMethods; methods != nullptr) {
      file->pMethods = has_shared_memory(*methods) ? &kMethods : &kMethodsWithoutSharedMemory;
    }
    return code;
  }
};

GatheredLog::GatheredLog(const std::string& vfs, Room room) : name_(vfs) {
  static std::atomic<unsigned> made{0};
  sqlite3_vfs* const base = sqlite3_vfs_find(vfs.empty() ? nullptr : vfs.c_str());
  if (base == nullptr) return;
  name_ = "headrace-log-" + std::to_string(made.fetch_add(1, std::memory_order_relaxed));  // no partner: a number
  vfs_ = std::make_unique<Vfs>(base, name_.c_str(), room);
  sqlite3_vfs_register(&vfs_->vfs, 0);
}

GatheredLog::~GatheredLog() {
  if (vfs_) sqlite3_vfs_unregister(&vfs_->vfs);
}

}  // namespace headrace::sqlite
