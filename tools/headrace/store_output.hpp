#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/port/sink.hpp"
#include "record.hpp"

namespace headrace::program {

/// An event store in a SQLite file to which subscriptions write: each topic is a stream, each record an event of it,
/// with the record as JSON. Appends share commits, so that no worker waits for the disk as long as there is room.
/// Threads:  any.
class StoreOutput {
 public:
  /// Makes the folders on the way; a store that is there is written on. The error says why not, also that this build
  /// has no stores.
  [[nodiscard]] static Result<std::unique_ptr<StoreOutput>> open(const std::filesystem::path& path);

  /// Events of one identity and topic are stored once; of an empty one each is stored. Throws std::runtime_error when
  /// the store has stopped: the event then counts as failed.
  void write(const Record& record, std::string_view topic, std::string_view identity);
  /// Waits until everything is stored; says how much is not, and why.
  [[nodiscard]] Status close();

 private:
  StoreOutput(std::filesystem::path path, std::unique_ptr<Sink> sink);

  const std::filesystem::path path_;
  const std::unique_ptr<Sink> sink_;
  std::mutex mutex_;
  std::uint64_t lost_ = 0;   // behind mutex
  std::string first_fault_;  // behind mutex
};

}  // namespace headrace::program
