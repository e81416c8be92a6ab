#pragma once

#include "relacy/parts.hpp"
#include "where.hpp"

namespace headrace::model {

/// What Relacy has to know of each plain address that an execution touches. One stands for each execution; it is
/// what will_read and will_write ask.
class AccessTable {
 public:
  AccessTable();
  ~AccessTable();
  AccessTable(const AccessTable&) = delete;
  AccessTable& operator=(const AccessTable&) = delete;

  [[nodiscard]] static AccessTable* current() noexcept { return current_; }
  [[nodiscard]] rl::var<int>& history_of(const void* address);
  void end(const void* address, const Where& where);

 private:
  static inline AccessTable* current_ = nullptr;
};

}  // namespace headrace::model
