#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "headrace/sourcing/memory_event_store.hpp"

namespace headrace::test {

/// A store in memory whose appends fail when it is asked to. Not for several threads.
class FailingStore final : public EventStore {
 public:
  enum class When : std::uint8_t { before, after };  ///< the append has happened
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  /// From the nth append on (0: the next one), so many fail.
  void fail(std::uint64_t from, std::uint64_t times, When when, Error::Retry retry) {
    from_ = appends_ + from;
    times_ = times;
    when_ = when;
    retry_ = retry;
  }
  /// Called once, when the next stream has been read, as another thread might come then.
  std::function<void()> after_read;
  void mend() { from_ = kNever; }
  [[nodiscard]] std::uint64_t appends() const { return appends_; }

  Result<AppendReceipt> append(const AppendRequest& request) override {
    const std::uint64_t number = appends_++;
    const bool fails = number >= from_ && number - from_ < times_;
    if (fails && when_ == When::before) return Error{"the disk is gone", "test", retry_};
    auto receipt = store_.append(request);
    if (fails) return Error{"the disk is gone", "test", retry_};
    return receipt;
  }
  void submit(AppendRequest request, std::function<void(Result<AppendReceipt>)> done) override {
    done(append(request));
  }
  Result<ReadEnd> read_stream(const StreamRead& read, const EventVisitor& visitor) override {
    auto end = store_.read_stream(read, visitor);
    if (const auto call = std::exchange(after_read, nullptr)) call();
    return end;
  }
  Result<ReadEnd> read_all(const GlobalRead& read, const EventVisitor& visitor) override {
    return store_.read_all(read, visitor);
  }
  Result<StreamInfo> stream(std::string_view name) override { return store_.stream(name); }
  Result<std::vector<StreamInfo>> streams(std::string_view after, std::size_t limit) override {
    return store_.streams(after, limit);
  }
  Result<EventPosition> last_position() override { return store_.last_position(); }
  Result<EventPosition> wait_beyond(EventPosition position, std::chrono::milliseconds time,
                                    std::stop_token stop) override {
    return store_.wait_beyond(position, time, std::move(stop));
  }
  Status truncate_stream(std::string_view name, StreamVersion keep_from) override {
    return store_.truncate_stream(name, keep_from);
  }
  Status truncate_all(EventPosition keep_from) override { return store_.truncate_all(keep_from); }
  EventStoreCapabilities capabilities() const override { return store_.capabilities(); }

 private:
  MemoryEventStore store_{MemoryEventStoreOptions{.position_step = 3}};
  std::uint64_t appends_ = 0;
  std::uint64_t from_ = kNever;
  std::uint64_t times_ = 0;
  When when_ = When::before;
  Error::Retry retry_ = Error::Retry::no;
};

}  // namespace headrace::test
