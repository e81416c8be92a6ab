#include "state_stores.hpp"

#include <string>

#include "wall_clock.hpp"

namespace headrace::sqlite {
namespace {

/// Prepares, lets `bind` bind, and runs a statement without results.
template <class Bind>
Status change(WriteSession& session, std::string_view sql, Bind bind) {
  auto statement = session.connection().prepare(sql);
  if (!statement) return statement.error();
  bind(*statement);
  if (const int code = statement->step(); code != SQLITE_DONE) return session.fail(code, sql);
  return Nothing{};
}

}  // namespace

Status save_checkpoint(WriteSession& session, std::string_view name, EventPosition position) {
  return change(session, "INSERT OR REPLACE INTO checkpoints (name, position, saved_ns) VALUES (?1, ?2, ?3)",
                [&](Statement& statement) {
                  statement.bind(1, name);
                  statement.bind(2, position);
                  statement.bind(3, wall_ns());
                });
}

Result<EventPosition> Checkpoints::load(std::string_view name) {
  auto reader = readers_.take();
  if (!reader) return reader.error();
  auto row = (*reader)->connection().prepare("SELECT position FROM checkpoints WHERE name = ?1");
  if (!row) return row.error();
  row->bind(1, name);
  const int code = row->step();
  if (code == SQLITE_ROW) return row->number(0);
  if (code == SQLITE_DONE) return EventPosition{0};
  return (*reader)->connection().error(code, "read a checkpoint");
}

Status Checkpoints::save(std::string_view name, EventPosition position) {
  return write_([&](WriteSession& session) { return save_checkpoint(session, name, position); });
}

Result<std::optional<AggregateSnapshot>> Snapshots::load(std::string_view stream) {
  auto reader = readers_.take();
  if (!reader) return reader.error();
  auto row = (*reader)->connection().prepare(
      "SELECT stream_version, state_version, state FROM snapshots WHERE stream = ?1");
  if (!row) return row.error();
  row->bind(1, stream);
  const int code = row->step();
  if (code == SQLITE_DONE) return std::optional<AggregateSnapshot>{};
  if (code != SQLITE_ROW) return (*reader)->connection().error(code, "read a snapshot");
  const auto state = row->blob(2);
  return std::optional<AggregateSnapshot>{AggregateSnapshot{
      row->number(0), static_cast<std::uint32_t>(row->integer(1)), {state.begin(), state.end()}}};
}

Status Snapshots::save(std::string_view stream, const AggregateSnapshot& snapshot) {
  return write_([&](WriteSession& session) {
    return change(session,
                  "INSERT OR REPLACE INTO snapshots (stream, stream_version, state_version, saved_ns, state) "
                  "VALUES (?1, ?2, ?3, ?4, ?5)",
                  [&](Statement& statement) {
                    statement.bind(1, stream);
                    statement.bind(2, snapshot.version);
                    statement.bind(3, std::int64_t{snapshot.state_version});
                    statement.bind(4, wall_ns());
                    statement.bind(5, std::span<const std::byte>(snapshot.state));
                  });
  });
}

Status Snapshots::remove(std::string_view stream) {
  return write_([&](WriteSession& session) {
    return change(session, "DELETE FROM snapshots WHERE stream = ?1",
                  [&](Statement& statement) { statement.bind(1, stream); });
  });
}

}  // namespace headrace::sqlite
