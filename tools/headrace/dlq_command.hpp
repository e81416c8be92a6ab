#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace headrace::program {

/// `headrace dlq …`: looks into the dead letters of an event store's file, also while a bus has it open.
struct DlqArguments {
  std::filesystem::path file;
  bool json = false;
  std::uint64_t id = 0;  ///< 0: every letter that the rest names
  std::string subscription, topic, key;
  std::uint64_t limit = 100;
  bool all = false;  ///< discard: really all of them
};

[[nodiscard]] int dlq_list(const DlqArguments& arguments);
[[nodiscard]] int dlq_show(const DlqArguments& arguments);
[[nodiscard]] int dlq_discard(const DlqArguments& arguments);

}  // namespace headrace::program
