#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "connection.hpp"

namespace headrace::sqlite {

/// Names by id, of streams or topics; neither ever changes. Remembers the newest name of each slot.
/// @thread the connection's
class Names {
 public:
  [[nodiscard]] static Result<Names> of_streams(Connection& connection) {
    return make(connection, "SELECT name FROM streams WHERE stream_id = ?1");
  }
  [[nodiscard]] static Result<Names> of_topics(Connection& connection) {
    return make(connection, "SELECT name FROM topics WHERE topic_id = ?1");
  }

  /// nullptr: there is none, the file is damaged.
  [[nodiscard]] const std::string* find(std::int64_t id) {
    Slot& slot = (*slots_)[static_cast<std::uint64_t>(id) % kSlots];
    if (slot.id == id) return &slot.name;
    const Running running(select_);
    select_.bind(1, id);
    if (select_.step() != SQLITE_ROW) return nullptr;
    slot.name = select_.text(0);
    slot.id = id;
    return &slot.name;
  }

  /// After a rollback ids may be given out again.
  void forget() {
    for (Slot& slot : *slots_) slot.id = 0;
  }

 private:
  static constexpr std::size_t kSlots = 4096;
  struct Slot {
    std::int64_t id = 0;  ///< ids start at 1
    std::string name;
  };
  [[nodiscard]] static Result<Names> make(Connection& connection, std::string_view sql) {
    auto select = connection.prepare(sql);
    if (!select) return select.error();
    Names names;
    names.select_ = std::move(select).value();
    return names;
  }

  Statement select_;
  std::unique_ptr<std::array<Slot, kSlots>> slots_ = std::make_unique<std::array<Slot, kSlots>>();
};

}  // namespace headrace::sqlite
