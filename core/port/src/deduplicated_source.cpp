#include "headrace/port/deduplicated_source.hpp"

#include <utility>

#include "dedup_desk.hpp"

namespace headrace {

DeduplicatedSource::DeduplicatedSource(std::unique_ptr<Source> source, DeduplicatedSourceOptions options)
    : source_(std::move(source)), options_(std::move(options)) {
  if (source_ == nullptr || options_.store == nullptr || options_.key == nullptr || options_.owner == 0) {
    throw ConfigError("a deduplicated source needs a source, a store, a key and an owner");
  }
  if (options_.batch_max == 0 || options_.renew_every.count() <= 0) {
    throw ConfigError("a deduplicated source: batch_max and renew_every must be at least 1");
  }
}

DeduplicatedSource::~DeduplicatedSource() { static_cast<void>(stop(std::chrono::milliseconds(0))); }

Status DeduplicatedSource::start(Deliver deliver) {
  close();
  const auto desk = std::make_shared<DedupDesk>(options_, std::move(deliver));
  {
    const std::scoped_lock lock(mutex_);
    desk_ = desk;
    thread_ = std::thread([desk] { desk->run(); });
  }
  Status started = source_->start([desk](ReceivedMessage&& received) { desk->arrive(std::move(received)); });
  if (!started) close();
  return started;
}

std::size_t DeduplicatedSource::stop(std::chrono::milliseconds deadline) {
  if (const auto desk = this->desk()) desk->drain();
  const std::size_t left = source_->stop(deadline);
  close();
  return left;
}

/// Nothing is handed on once it has returned.
void DeduplicatedSource::close() {
  const std::scoped_lock lock(closing_);
  const auto desk = this->desk();
  if (desk == nullptr || !thread_.joinable()) return;
  desk->close();
  thread_.join();
}

std::shared_ptr<DedupDesk> DeduplicatedSource::desk() const {
  const std::scoped_lock lock(mutex_);
  return desk_;
}

std::uint64_t DeduplicatedSource::copies() const {
  const auto desk = this->desk();
  return desk == nullptr ? 0 : desk->copies();
}

}  // namespace headrace
