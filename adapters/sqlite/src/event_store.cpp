#include "headrace/sqlite/event_store.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "dead_letter_requests.hpp"
#include "dead_letter_store.hpp"
#include "dedup_store.hpp"
#include "lease_store.hpp"
#include "reader.hpp"
#include "state_stores.hpp"
#include "write_session.hpp"
#include "writer.hpp"

namespace headrace {

using sqlite::Readers;
using sqlite::WriteJob;
using sqlite::Writer;
using sqlite::WriteSession;

class SqliteEventStore::Parts {
 public:
  /// Without a session: for reading only.
  Parts(SqliteOptions given, std::unique_ptr<WriteSession> session)
      : options(std::move(given)), committed(session ? session->last_position() : 0), readers(options) {
    if (session) {
      writer.emplace(std::move(session), options, [this](EventPosition last) { publish(last); });
    }
  }

  [[nodiscard]] Status write(sqlite::Change change, WriteJob::Undo undo) {
    if (!writer) return read_only();
    return writer->run(std::move(change), undo);
  }
  [[nodiscard]] sqlite::Write writes(WriteJob::Undo undo = WriteJob::Undo::with_group) {
    return [this, undo](sqlite::Change change) { return write(std::move(change), undo); };
  }
  [[nodiscard]] sqlite::Look looks() {
    return [this](const std::function<Status(sqlite::Connection&)>& look) -> Status {
      auto reader = readers.take();
      if (!reader) return reader.error();
      return look((*reader)->connection());
    };
  }
  [[nodiscard]] Error read_only() const {
    return {"the store was opened for reading only", options.file.string(), Error::Retry::no};
  }

  void publish(EventPosition last) {
    {
      const std::lock_guard lock(mutex);
      committed = std::max(committed, last);
    }
    appended.notify_all();
  }

  const SqliteOptions options;
  std::mutex mutex;
  std::condition_variable_any appended;
  EventPosition committed;  // behind mutex
  std::optional<Writer> writer;
  // Closed before the writer's connection: the last one to close moves the log into the file, and it is the
  // writer's.
  Readers readers;
  sqlite::Checkpoints checkpoints{readers, writes()};
  sqlite::Snapshots snapshots{readers, writes()};
  sqlite::LetterRequests letter_requests{readers, writes()};
  sqlite::Leases leases{writes()};
};

Result<std::unique_ptr<SqliteEventStore>> SqliteEventStore::open(SqliteOptions options) {
  if (options.group_requests_max == 0 || options.queue_requests_max == 0) {
    return Error{"group_requests_max and queue_requests_max must not be 0", options.file.string()};
  }
  std::unique_ptr<WriteSession> session;
  if (options.access != SqliteAccess::read) {
    auto opened = WriteSession::open(options);
    if (!opened) return opened.error();
    session = std::move(opened).value();
  }
  auto parts = std::make_unique<Parts>(std::move(options), std::move(session));
  // A first reader, so that what is wrong with the file shows here.
  if (auto reader = parts->readers.take(); !reader) return reader.error();
  return std::unique_ptr<SqliteEventStore>(new SqliteEventStore(std::move(parts)));
}

SqliteEventStore::SqliteEventStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SqliteEventStore::~SqliteEventStore() = default;

Result<AppendReceipt> SqliteEventStore::append(const AppendRequest& request) {
  if (auto checked = check_append(request); !checked) return checked.error();
  AppendReceipt receipt;
  auto done = parts_->write(
      [&request, &receipt](WriteSession& session) -> Status {
        auto appended = session.append(request);
        if (!appended) return appended.error();
        receipt = std::move(appended).value();
        return Nothing{};
      },
      WriteJob::Undo::with_group);
  if (!done) return done.error();
  return receipt;
}

void SqliteEventStore::submit(AppendRequest request, std::function<void(Result<AppendReceipt>)> done) {
  if (auto checked = check_append(request); !checked) return done(checked.error());
  if (!parts_->writer) return done(parts_->read_only());
  struct Waiting {
    AppendRequest request;
    std::function<void(Result<AppendReceipt>)> done;
    AppendReceipt receipt;
  };
  auto waiting = std::make_shared<Waiting>(Waiting{std::move(request), std::move(done), {}});
  parts_->writer->submit({[waiting](WriteSession& session) -> Status {
                            auto appended = session.append(waiting->request);
                            if (!appended) return appended.error();
                            waiting->receipt = std::move(appended).value();
                            return Nothing{};
                          },
                          [waiting](const Status& status) {
                            if (status) {
                              waiting->done(std::move(waiting->receipt));
                            } else {
                              waiting->done(status.error());
                            }
                          },
                          WriteJob::Undo::with_group});
}

Result<ReadEnd> SqliteEventStore::read_stream(const StreamRead& read, const EventVisitor& visitor) {
  auto reader = parts_->readers.take();
  if (!reader) return reader.error();
  return (*reader)->read_stream(read, visitor);
}

Result<ReadEnd> SqliteEventStore::read_all(const GlobalRead& read, const EventVisitor& visitor) {
  auto reader = parts_->readers.take();
  if (!reader) return reader.error();
  return (*reader)->read_all(read, visitor);
}

Result<StreamInfo> SqliteEventStore::stream(std::string_view name) {
  auto reader = parts_->readers.take();
  if (!reader) return reader.error();
  return (*reader)->stream(name);
}

Result<std::vector<StreamInfo>> SqliteEventStore::streams(std::string_view after, std::size_t limit) {
  auto reader = parts_->readers.take();
  if (!reader) return reader.error();
  return (*reader)->streams(after, limit);
}

Result<EventPosition> SqliteEventStore::last_position() {
  auto reader = parts_->readers.take();
  if (!reader) return reader.error();
  return (*reader)->last_position();
}

Result<EventPosition> SqliteEventStore::wait_beyond(EventPosition position, std::chrono::milliseconds time,
                                                    std::stop_token stop) {
  using Clock = std::chrono::steady_clock;
  // A time too long to add is as good as for ever.
  const auto longest = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::duration::max() / 4);
  const auto end = Clock::now() + std::min(time, longest);
  for (;;) {
    // Looks into the file each turn: other programs tell nobody what they append.
    const auto last = last_position();
    if (!last || *last > position || stop.stop_requested() || Clock::now() >= end) return last;
    std::unique_lock lock(parts_->mutex);
    const auto turn = std::min(end, Clock::now() + parts_->options.foreign_poll);
    parts_->appended.wait_until(lock, stop, turn, [&] { return parts_->committed > position; });
  }
}

Status SqliteEventStore::truncate_stream(std::string_view name, StreamVersion keep_from) {
  return parts_->write([&](WriteSession& session) { return session.truncate_stream(name, keep_from); },
                       WriteJob::Undo::alone);
}

Status SqliteEventStore::truncate_all(EventPosition keep_from) {
  return parts_->write([&](WriteSession& session) { return session.truncate_all(keep_from); },
                       WriteJob::Undo::alone);
}

EventStoreCapabilities SqliteEventStore::capabilities() const {
  return {"sqlite", true, parts_->options.durability == SqliteDurability::full, true};
}

Status SqliteEventStore::transact(const std::function<Status(SqliteTransaction&)>& change) {
  return parts_->write(
      [&change](WriteSession& session) {
        SqliteTransaction transaction(session);
        return change(transaction);
      },
      WriteJob::Undo::alone);
}

ReadModel SqliteEventStore::read_model(std::string name, TransactionHandler handler) {
  ReadModel model;
  model.checkpoint = [this, name] { return checkpoints().load(name); };
  model.apply = [this, name, handler = std::move(handler)](std::span<const StoredEvent> events,
                                                           EventPosition through) {
    return parts_->write(
        [&](WriteSession& session) -> Status {
          SqliteTransaction transaction(session);
          const StoredEventHandler handle = [&](const StoredEvent& event) { return handler(transaction, event); };
          for (const StoredEvent& event : events) {
            if (auto done = handle_event(handle, event); !done) return done;
          }
          return sqlite::save_checkpoint(session, name, through);
        },
        WriteJob::Undo::alone);
  };
  return model;
}

CheckpointStore& SqliteEventStore::checkpoints() noexcept { return parts_->checkpoints; }
SnapshotStore& SqliteEventStore::snapshots() noexcept { return parts_->snapshots; }
LeaseStore& SqliteEventStore::leases() noexcept { return parts_->leases; }
DeadLetterRequests& SqliteEventStore::dead_letter_requests() noexcept { return parts_->letter_requests; }

Result<std::unique_ptr<DeadLetterStore>> SqliteEventStore::dead_letters(SqliteDeadLetterOptions options) {
  return sqlite::DeadLetters::open(parts_->looks(), parts_->writes(WriteJob::Undo::alone), options);
}

std::unique_ptr<DedupStore> SqliteEventStore::deduplication(SqliteDedupOptions options) {
  return std::make_unique<sqlite::DoneEvents>(parts_->writes(), std::move(options));
}

}  // namespace headrace
