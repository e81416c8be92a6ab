#pragma once

#include <filesystem>
#include <memory>
#include <utility>

#include "headrace/port/store_sink.hpp"

namespace headrace::program {

/// A gateway's sink that is an event store in a SQLite file, opened by start(). Its errors are of the file.
class StoreEnd final : public Sink {
 public:
  StoreEnd(std::filesystem::path file, StoreSinkOptions options)
      : file_(std::move(file)), options_(std::move(options)) {}

  [[nodiscard]] Status start() override;
  [[nodiscard]] SendResult send(Message&& message, Confirm confirm) override {
    return sink_ == nullptr ? SendResult::closed : sink_->send(std::move(message), std::move(confirm));
  }
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds deadline) override {
    return sink_ != nullptr && sink_->wait_for_room(deadline);
  }
  std::size_t stop(std::chrono::milliseconds deadline) override {
    return sink_ == nullptr ? 0 : sink_->stop(deadline);
  }
  [[nodiscard]] Health health() const override { return sink_ == nullptr ? Health{} : sink_->health(); }
  [[nodiscard]] Capabilities capabilities() const override {
    return sink_ == nullptr ? Capabilities{.name = "event store"} : sink_->capabilities();
  }

 private:
  const std::filesystem::path file_;
  const StoreSinkOptions options_;
  std::unique_ptr<StoreSink> sink_;
};

}  // namespace headrace::program
