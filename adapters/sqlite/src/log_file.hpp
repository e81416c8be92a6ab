#pragma once

#include <memory>
#include <string>

namespace headrace::sqlite {

/// A file system of SQLite's for the connection that writes: another one, but for the log (-wal), which it writes in
/// large pieces. SQLite makes two system calls of every page, and they are half of what the page costs.
///
/// Held back are frames of the transaction that is under way, and nothing else:
///   I1  a commit's last frame goes to the file, with all before it, before SQLite is answered, and so before
///       any reader looks for it; a failure to write is answered then
///   I2  when the lock of writers is let go nothing is held back: what was undone goes nowhere, and cannot come later
///       over what another program has written in its place
///   I3  once a piece could not be written no write of the transaction succeeds: SQLite believes that its frames are
///       there, and might otherwise commit what was before a statement that it undid for the failure
///
/// A flush of a file that has grown writes down its new length too, and takes twice as long. With Room::ahead the log
/// grows by up to 1 MB at a time, with zeros, which no reader takes for a frame; SQLite never shortens it meanwhile.
///   I4  zeros go behind the end of the file only, and only while the lock of writers is held
/// Threads: the connection's.
class GatheredLog {
 public:
  enum class Room { as_needed, ahead };

  /// `vfs` is a name of SQLite's; empty: the system's.
  GatheredLog(const std::string& vfs, Room room);
  /// The connection is closed.
  ~GatheredLog();
  GatheredLog(const GatheredLog&) = delete;
  GatheredLog& operator=(const GatheredLog&) = delete;

  /// To open the connection with.
  [[nodiscard]] const std::string& vfs() const noexcept { return name_; }

 private:
  struct Vfs;
  std::string name_;
  std::unique_ptr<Vfs> vfs_;  ///< none: there is no file system of that name, as opening will say
};

}  // namespace headrace::sqlite
