#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "headrace/port/event_store.hpp"

namespace headrace {

struct MemoryEventStoreOptions {
  /// Distance between the positions of neighbours: more than 1 shows who counts on positions without gaps.
  EventPosition position_step = 1;
};

/// An event store that forgets with the process: for tests, and for programs that need no more.
/// Threads:   any; one mutex, so that it is right rather than quick.
/// Allocates: memory without bound, until truncated.
class MemoryEventStore final : public EventStore {
 public:
  explicit MemoryEventStore(MemoryEventStoreOptions options = {});

  Result<AppendReceipt> append(const AppendRequest& request) override;
  void submit(AppendRequest request, std::function<void(Result<AppendReceipt>)> done) override;
  Result<ReadEnd> read_stream(const StreamRead& read, const EventVisitor& visitor) override;
  Result<ReadEnd> read_all(const GlobalRead& read, const EventVisitor& visitor) override;
  Result<StreamInfo> stream(std::string_view name) override;
  Result<std::vector<StreamInfo>> streams(std::string_view after, std::size_t limit) override;
  Result<EventPosition> last_position() override;
  Result<EventPosition> wait_beyond(EventPosition position, std::chrono::milliseconds time,
                                    std::stop_token stop) override;
  Status truncate_stream(std::string_view name, StreamVersion keep_from) override;
  Status truncate_all(EventPosition keep_from) override;
  EventStoreCapabilities capabilities() const override { return {"memory", false, false, false}; }

 private:
  struct Stream {
    StreamVersion version = 0;
    std::map<StreamVersion, EventPosition> kept;
  };
  struct IdHash {
    std::size_t operator()(const EventId& id) const noexcept { return hash_key(id); }
  };
  using Events = std::map<EventPosition, StoredEvent>;

  // With the mutex held:
  [[nodiscard]] bool find_conflict(const AppendRequest& request, AppendReceipt& receipt) const;
  [[nodiscard]] bool find_stored_ids(const AppendRequest& request, AppendReceipt& receipt) const;
  void store(const AppendRequest& request, AppendReceipt& receipt);
  void forget(Events::iterator event);
  [[nodiscard]] StreamInfo describe(const std::string& name, const Stream& stream) const;

  const MemoryEventStoreOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable_any appended_;
  Events events_;
  std::map<std::string, Stream, std::less<>> streams_;
  std::unordered_map<EventId, EventPosition, IdHash> positions_;
  EventPosition last_ = 0;
};

}  // namespace headrace
