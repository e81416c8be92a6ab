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
};

[[nodiscard]] int events_streams(const EventsArguments& arguments);
[[nodiscard]] int events_read(const EventsArguments& arguments);
/// Events from standard input, one JSON object a line; one append a line.
[[nodiscard]] int events_append(const EventsArguments& arguments);
[[nodiscard]] int events_verify(const EventsArguments& arguments);
[[nodiscard]] int events_backup(const EventsArguments& arguments);

}  // namespace headrace::program
