#include "schema.hpp"

#include <array>
#include <string>

namespace headrace::sqlite {
namespace {

// A migration is never changed once a release has it: the next change is the next entry.
constexpr std::array kMigrations = {
    // 1: events
    R"(
CREATE TABLE streams (
  stream_id         INTEGER PRIMARY KEY,
  name              TEXT    NOT NULL UNIQUE,
  truncated_version INTEGER NOT NULL DEFAULT 0   -- events up to this version have been removed
);
CREATE TABLE topics (
  topic_id INTEGER PRIMARY KEY,
  name     TEXT    NOT NULL UNIQUE
);
CREATE TABLE events (
  position       INTEGER PRIMARY KEY,            -- order over all streams; may have gaps
  event_id       BLOB    NOT NULL UNIQUE,        -- 16 bytes, a UUID
  stream_id      INTEGER NOT NULL REFERENCES streams,
  stream_version INTEGER NOT NULL,               -- 1, 2, 3 in its stream
  topic_id       INTEGER NOT NULL REFERENCES topics,
  topic_version  INTEGER NOT NULL,               -- of the topic's schema
  happened_ns    INTEGER,                        -- nanoseconds since 1970, NULL: unknown
  stored_ns      INTEGER NOT NULL,
  key            TEXT,
  correlation_id BLOB,
  causation_id   BLOB,
  tags           TEXT,                           -- a JSON array
  headers        TEXT,                           -- a JSON array: name, value, name, value
  content_type   TEXT,
  body           BLOB    NOT NULL,
  checksum       INTEGER NOT NULL,               -- of all the other columns
  UNIQUE (stream_id, stream_version)
);
CREATE TABLE event_tags (
  tag      TEXT    NOT NULL,
  position INTEGER NOT NULL REFERENCES events,
  PRIMARY KEY (tag, position)
) WITHOUT ROWID;
CREATE TABLE store_numbers (
  name  TEXT    PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO store_numbers VALUES ('truncated_position', 0);
CREATE TABLE checkpoints (
  name     TEXT    PRIMARY KEY,                  -- of a projection
  position INTEGER NOT NULL,                     -- everything up to here is applied
  saved_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE snapshots (
  stream         TEXT    PRIMARY KEY,
  stream_version INTEGER NOT NULL,
  state_version  INTEGER NOT NULL,
  saved_ns       INTEGER NOT NULL,
  state          BLOB    NOT NULL
);
-- For people: sqlite3 FILE 'SELECT * FROM readable_events'
CREATE VIEW readable_events AS
  SELECT position, s.name AS stream, stream_version AS version, t.name AS topic,
         strftime('%Y-%m-%dT%H:%M:%fZ', stored_ns / 1e9, 'unixepoch') AS stored,
         strftime('%Y-%m-%dT%H:%M:%fZ', happened_ns / 1e9, 'unixepoch') AS happened,
         lower(substr(hex(event_id), 1, 8) || '-' || substr(hex(event_id), 9, 4) || '-' ||
               substr(hex(event_id), 13, 4) || '-' || substr(hex(event_id), 17, 4) || '-' ||
               substr(hex(event_id), 21)) AS id,
         key, tags, headers, content_type, CAST(body AS TEXT) AS body
  FROM events JOIN streams s USING (stream_id) JOIN topics t USING (topic_id);
)",
    // 2: dead letters and deduplication
    R"(
CREATE TABLE dead_letters (
  letter_id        INTEGER PRIMARY KEY AUTOINCREMENT,
  subscription     TEXT    NOT NULL,             -- whose handler failed
  event_id         BLOB,                         -- NULL: the event has none
  topic            TEXT    NOT NULL,
  topic_version    INTEGER NOT NULL,
  key              TEXT    NOT NULL,
  happened_ns      INTEGER NOT NULL,
  correlation_id   BLOB,
  causation_id     BLOB,
  tags             TEXT,                         -- a JSON array
  headers          TEXT,                         -- a JSON array: name, value, name, value
  content_type     TEXT    NOT NULL,
  body             BLOB    NOT NULL,
  worker           INTEGER NOT NULL,
  failure          INTEGER NOT NULL,             -- its class
  reason           TEXT    NOT NULL,
  attempts         TEXT,                         -- a JSON array: number, time in ns, class, error, and so on
  attempts_made    INTEGER NOT NULL,
  first_failure_ns INTEGER NOT NULL,
  last_failure_ns  INTEGER NOT NULL,
  parks_key        INTEGER NOT NULL,             -- 1: later events of the key wait for this one
  redrives         INTEGER NOT NULL DEFAULT 0,
  lease            INTEGER NOT NULL DEFAULT 0,   -- 0: nobody holds it
  held_until_ns    INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX dead_letter_of_event ON dead_letters (subscription, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX dead_letters_parking ON dead_letters (subscription, key) WHERE parks_key = 1;
INSERT INTO store_numbers VALUES
  ('dead_letter_lease', 0), ('dead_letters_added', 0), ('dead_letters_replaced', 0), ('dead_letters_settled', 0),
  ('dead_letters_discarded', 0), ('dead_letters_dropped', 0), ('dead_letters_refused', 0);
CREATE TABLE done_events (                       -- and those in progress: for deduplication
  scope    TEXT    NOT NULL,                     -- a group of consumers
  key      BLOB    NOT NULL,                     -- 16 bytes: an event's id, or a hash
  state    INTEGER NOT NULL,                     -- 0: in progress, 1: done
  owner    INTEGER NOT NULL,
  answer   INTEGER NOT NULL,
  since_ns INTEGER NOT NULL,
  UNIQUE (scope, key)
);
CREATE INDEX done_events_by_age ON done_events (scope, state, since_ns);
)",
    // 3: what the type of a letter's event is called, and what operators ask of the bus
    R"(
ALTER TABLE dead_letters ADD COLUMN event_type TEXT NOT NULL DEFAULT '';  -- '': not known
CREATE TABLE dead_letter_requests (              -- headrace dlq redrive asks, the bus that has the file open answers
  request_id         INTEGER PRIMARY KEY AUTOINCREMENT,
  action             TEXT    NOT NULL,           -- redrive; release: one key's letters up to the first that fails
  letter_id          INTEGER,                    -- NULL: any
  subscription       TEXT,                       -- NULL: any
  topic              TEXT,                       -- NULL: any
  key                TEXT,                       -- NULL: any
  letters_max        INTEGER,                    -- NULL: all
  letters_per_second REAL    NOT NULL,           -- 0: as quickly as they are handled
  asked_ns           INTEGER NOT NULL,
  expires_ns         INTEGER NOT NULL,           -- nobody begins it afterwards
  state              TEXT    NOT NULL DEFAULT 'asked',  -- asked, running, finished, withdrawn
  answered_by        TEXT    NOT NULL DEFAULT '',
  heard_ns           INTEGER NOT NULL DEFAULT 0, -- when the bus said last how far it is
  handled            INTEGER NOT NULL DEFAULT 0,
  returned           INTEGER NOT NULL DEFAULT 0, -- failed again
  skipped            INTEGER NOT NULL DEFAULT 0,
  why_skipped        TEXT    NOT NULL DEFAULT '',
  error              TEXT    NOT NULL DEFAULT '' -- why it ended early
);
CREATE INDEX dead_letter_requests_asked ON dead_letter_requests (request_id) WHERE state = 'asked';
INSERT INTO store_numbers VALUES ('events_retired', 0);  -- removed by retention
)",
    // 4: who runs what only one program may run at a time
    R"(
CREATE TABLE leases (
  name          TEXT    PRIMARY KEY,             -- of what is run: the sagas of a table, an outbox
  owner         INTEGER NOT NULL,                -- a random number, another each time that it is taken
  held_until_ns INTEGER NOT NULL
) WITHOUT ROWID;
)",
};

constexpr auto kVersion = static_cast<std::int64_t>(kMigrations.size());

/// The file's schema version; an error when the file is not ours or too new.
Result<std::int64_t> read_version(Connection& connection) {
  const auto application = connection.number("PRAGMA application_id");
  if (!application) return application.error();
  const auto version = connection.number("PRAGMA user_version");
  if (!version) return version.error();
  const auto tables = connection.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  if (*application != kApplicationId && *tables != 0) {
    return Error{"the file is a database of another program, not an event store", connection.file()};
  }
  if (*version > kVersion) {
    return Error{"the file has schema version " + std::to_string(*version) + ", this program knows up to " +
                     std::to_string(kVersion) + ": use a newer one",
                 connection.file()};
  }
  return *version;
}

}  // namespace

Status migrate(Connection& connection) {
  // The lock comes first: two programs may open a new file at once.
  for (;;) {
    auto version = read_version(connection);
    if (!version) return version.error();
    if (*version == kVersion) return Nothing{};
    if (auto begun = connection.run("BEGIN IMMEDIATE"); !begun) return begun;
    version = read_version(connection);
    Status done = version ? Status{Nothing{}} : Status{version.error()};
    if (version && *version < kVersion) {
      done = connection.run(kMigrations[static_cast<std::size_t>(*version)]);
      if (done) {
        done = connection.run("PRAGMA application_id = " + std::to_string(kApplicationId) +
                              "; PRAGMA user_version = " + std::to_string(*version + 1));
      }
    }
    if (done) done = connection.run("COMMIT");
    if (!done) {
      if (sqlite3_get_autocommit(connection.handle()) == 0) static_cast<void>(connection.run("ROLLBACK"));
      return done;
    }
  }
}

Status check_schema(Connection& connection) {
  const auto version = read_version(connection);
  if (!version) return version.error();
  if (*version < kVersion) {
    return Error{*version == 0 ? "the file holds no event store"
                               : "the file has an old schema: open it once for writing to bring it up to date",
                 connection.file()};
  }
  return Nothing{};
}

}  // namespace headrace::sqlite
