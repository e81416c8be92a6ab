#include "connection.hpp"

namespace headrace::sqlite {
namespace {

struct Meaning {
  const char* text;
  Error::Retry retry;
};

Meaning meaning_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {"locked by another program; try again when it has finished", Error::Retry::maybe};
    case SQLITE_FULL:
      return {"the disk is full; nothing was stored, try again when there is room", Error::Retry::maybe};
    case SQLITE_CORRUPT:
      return {"the file is damaged; see what is left with `headrace events verify`, and restore a backup",
              Error::Retry::no};
    case SQLITE_NOTADB:
      return {"the file is no SQLite database, or its beginning is damaged", Error::Retry::no};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {"the file may not be written to", Error::Retry::no};
    case SQLITE_CANTOPEN:
      return {"the file cannot be opened", Error::Retry::maybe};
    case SQLITE_NOMEM:
      return {"out of memory", Error::Retry::maybe};
    case SQLITE_IOERR:
      return {"the disk failed", Error::Retry::no};
    default:
      return {"SQLite refused", Error::Retry::no};
  }
}

}  // namespace

Error error_of(int code, sqlite3* database, std::string_view doing, std::string_view file) {
  const Meaning meaning = meaning_of(code);
  std::string what{doing};
  what += ": ";
  what += meaning.text;
  what += " (SQLite: ";
  what += database ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  what += ", code " + std::to_string(code) + ")";
  return {std::move(what), std::string{file}, meaning.retry};
}

bool is_disk_failure(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return true;
    default:
      return false;
  }
}

Result<Connection> Connection::open(const std::filesystem::path& file, Access access, const std::string& vfs) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  // A reader opens for writing too: without the right to touch the -shm file it could not join a WAL.
  flags |= SQLITE_OPEN_READWRITE;
  if (access == Access::create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &handle, flags, vfs.empty() ? nullptr : vfs.c_str());
  Connection connection;
  connection.handle_.reset(handle);
  connection.file_ = file.string();
  if (code != SQLITE_OK) return connection.error(code, "open");
  if (access == Access::read) {
    if (auto status = connection.run("PRAGMA query_only = ON"); !status) return status.error();
  }
  return connection;
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error(code, "prepare");
  return Statement{statement};
}

Status Connection::run(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, sql.substr(0, sql.find('\n')));
  return Nothing{};
}

Result<std::int64_t> Connection::number(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const int code = statement->step();
  if (code == SQLITE_ROW) return statement->integer(0);
  if (code == SQLITE_DONE) return std::int64_t{0};
  return error(code, sql);
}

}  // namespace headrace::sqlite
