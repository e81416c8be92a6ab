#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <string>

#include "headrace/base/check.hpp"

namespace headrace::test {

/// A connection of the test's own.
class Plain {
 public:
  explicit Plain(const std::filesystem::path& file, const std::string& vfs = {}) {
    const int code = sqlite3_open_v2(file.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     vfs.empty() ? nullptr : vfs.c_str());
    HEADRACE_CHECK("test.open", code == SQLITE_OK, "no database");
  }
  ~Plain() { sqlite3_close(database_); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  int run(const std::string& sql) { return sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr); }
  [[nodiscard]] std::string text(const std::string& sql) {
    std::string found;
    const auto take = [](void* to, int, char** columns, char**) {
      *static_cast<std::string*>(to) = columns[0] ? columns[0] : "";
      return 0;
    };
    const int code = sqlite3_exec(database_, sql.c_str(), take, &found, nullptr);
    return code == SQLITE_OK ? found : sqlite3_errmsg(database_);
  }
  [[nodiscard]] bool is_in_transaction() const { return sqlite3_get_autocommit(database_) == 0; }

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace headrace::test
