#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "headrace/port/dead_letter_store.hpp"

namespace headrace::program {

/// `headrace dlq …`: looks into the dead letters of an event store's file, also while a bus has it open.
struct DlqArguments {
  std::filesystem::path file;
  bool json = false;
  std::uint64_t id = 0;  ///< 0: every letter that the rest names
  std::string subscription, topic, key;
  std::uint64_t limit = 100;
  std::uint64_t redrive_limit = 0;  ///< 0: none
  bool all = false;                 ///< discard, redrive: really all of them
  double rate = 0;                  ///< redrive, release: letters a second; 0: as quickly as they are handled
  double timeout_s = 10;            ///< redrive, release: how long the bus may be silent
};

[[nodiscard]] int dlq_list(const DlqArguments& arguments);
[[nodiscard]] int dlq_show(const DlqArguments& arguments);
[[nodiscard]] int dlq_discard(const DlqArguments& arguments);
/// These two ask the bus that has the file open, and wait for what becomes of it (redrive_command.cpp).
[[nodiscard]] int dlq_redrive(const DlqArguments& arguments);
[[nodiscard]] int dlq_release(const DlqArguments& arguments);

/// Whether the arguments say which letters are meant, or --all, and not both.
[[nodiscard]] inline bool says_which_letters(const DlqArguments& arguments) {
  const bool chosen =
      arguments.id != 0 || !arguments.subscription.empty() || !arguments.topic.empty() || !arguments.key.empty();
  return chosen != arguments.all;
}
[[nodiscard]] DeadLetterFilter filter_of(const DlqArguments& arguments);

}  // namespace headrace::program
