#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace headrace::program {

/// `headrace events …`: looks into an event store's file, also while others write to it.
struct EventsArguments {
  std::filesystem::path file;
  bool json = false;
  std::string stream;  ///< read: only this one; append: where the line names none; streams: those behind it
  std::vector<std::string> topics, tags;
  std::uint64_t after = 0;
  std::uint64_t limit = 0;  ///< 0: all
  bool backward = false;
  bool follow = false;
  std::string expect = "any";    ///< any, none or a version
  std::filesystem::path backup;  ///< the copy to make
  double older_s = 0;            ///< retain: 0: whatever their age
  std::uint64_t bytes_max = 0;   ///< retain: 0: whatever the file's size
  std::string streams;           ///< retain: only those that fit, as SQLite's GLOB has it; empty: all
  bool unread = false;           ///< retain: also what a checkpoint has not passed
  std::vector<std::string> ignored_checkpoints;
};

[[nodiscard]] int events_streams(const EventsArguments& arguments);
[[nodiscard]] int events_read(const EventsArguments& arguments);
/// Events from standard input, one JSON object a line; one append a line.
[[nodiscard]] int events_append(const EventsArguments& arguments);
[[nodiscard]] int events_verify(const EventsArguments& arguments);
/// Removes the oldest events (retain_command.cpp).
[[nodiscard]] int events_retain(const EventsArguments& arguments);
[[nodiscard]] int events_backup(const EventsArguments& arguments);

}  // namespace headrace::program
