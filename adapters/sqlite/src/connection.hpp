#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/base/result.hpp"

namespace headrace::sqlite {

/// What SQLite's result code means to a user, in plain words, with SQLite's own text.
[[nodiscard]] Error error_of(int code, sqlite3* database, std::string_view doing, std::string_view file);

/// After these nobody knows what is on the disk: the store stops and never tries the same pages again.
[[nodiscard]] bool is_disk_failure(int code) noexcept;

/// SQLite's integers are signed: what lies beyond them is their highest, as a bound.
[[nodiscard]] inline std::int64_t clamped(std::uint64_t bound) noexcept {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(bound, std::numeric_limits<std::int64_t>::max()));
}

/// A compiled statement. Columns are valid until the next step; bound texts and blobs must outlive the statement's
/// run.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* handle) noexcept : handle_(handle) {}

  /// SQLITE_ROW, SQLITE_DONE or an error.
  [[nodiscard]] int step() noexcept { return sqlite3_step(handle_.get()); }
  void reset() noexcept { sqlite3_reset(handle_.get()); }
  [[nodiscard]] sqlite3_stmt* handle() const noexcept { return handle_.get(); }
  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }

  void bind(int at, std::int64_t value) noexcept { sqlite3_bind_int64(handle_.get(), at, value); }
  void bind(int at, std::uint64_t value) noexcept { bind(at, static_cast<std::int64_t>(value)); }
  void bind(int at, std::string_view text) noexcept {
    sqlite3_bind_text64(handle_.get(), at, text.data() ? text.data() : "", text.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
  }
  void bind(int at, std::span<const std::byte> bytes) noexcept {
    if (bytes.empty()) {
      sqlite3_bind_zeroblob(handle_.get(), at, 0);
    } else {
      sqlite3_bind_blob64(handle_.get(), at, bytes.data(), bytes.size(), SQLITE_STATIC);
    }
  }
  void bind(int at, double value) noexcept { sqlite3_bind_double(handle_.get(), at, value); }
  void bind_null(int at) noexcept { sqlite3_bind_null(handle_.get(), at); }

  [[nodiscard]] bool is_null(int at) const noexcept {
    return sqlite3_column_type(handle_.get(), at) == SQLITE_NULL;
  }
  [[nodiscard]] std::int64_t integer(int at) const noexcept { return sqlite3_column_int64(handle_.get(), at); }
  [[nodiscard]] std::uint64_t number(int at) const noexcept { return static_cast<std::uint64_t>(integer(at)); }
  [[nodiscard]] double real(int at) const noexcept { return sqlite3_column_double(handle_.get(), at); }
  [[nodiscard]] std::string_view text(int at) const noexcept {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), at));
    return text ? std::string_view{text, size(at)} : std::string_view{};
  }
  [[nodiscard]] std::span<const std::byte> blob(int at) const noexcept {
    const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(handle_.get(), at));
    return bytes ? std::span{bytes, size(at)} : std::span<const std::byte>{};
  }

 private:
  [[nodiscard]] std::size_t size(int at) const noexcept {
    return static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), at));
  }
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// Resets a statement at the end of a scope, whatever happened: an open one holds a snapshot of the file.
class Running {
 public:
  explicit Running(Statement& statement) noexcept : statement_(statement) {}
  ~Running() { statement_.reset(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Statement& statement_;
};

/// One connection to the file. @thread one at a time
class Connection {
 public:
  enum class Access { read, write, create };
  [[nodiscard]] static Result<Connection> open(const std::filesystem::path& file, Access access,
                                               const std::string& vfs);

  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  /// Statements without results, separated by semicolons.
  [[nodiscard]] Status run(const std::string& sql);
  /// The first column of the first row; 0 when there is none.
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql);

  [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] Error error(int code, std::string_view doing) const {
    return error_of(code, handle_.get(), doing, file_);
  }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::string file_;
};

}  // namespace headrace::sqlite
