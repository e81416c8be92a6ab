#include "lease_store.hpp"

#include "headrace/event/time_after.hpp"
#include "session_sql.hpp"

namespace headrace::sqlite {

Result<bool> Leases::hold(std::string_view name, LeaseOwner owner, EventTime now,
                          std::chrono::nanoseconds lease_for) {
  bool held = false;
  const Status done = write_([&](WriteSession& session) -> Status {
    const Status run = run_sql(session,
                               "INSERT INTO leases (name, owner, held_until_ns) VALUES (?1, ?2, ?3) "
                               "ON CONFLICT (name) DO UPDATE SET owner = ?2, held_until_ns = ?3 "
                               "WHERE owner = ?2 OR held_until_ns <= ?4",
                               name, owner, time_after(now, lease_for).time_since_epoch().count(),
                               now.time_since_epoch().count());
    held = run && sqlite3_changes(session.connection().handle()) > 0;
    return run;
  });
  if (!done) return done.error();
  return held;
}

Status Leases::give_up(std::string_view name, LeaseOwner owner) {
  return write_([&](WriteSession& session) {
    return run_sql(session, "DELETE FROM leases WHERE name = ?1 AND owner = ?2", name, owner);
  });
}

}  // namespace headrace::sqlite
