#pragma once

#include <filesystem>
#include <string>

namespace headrace::program {

/// `headrace trace CORRELATION FILE`: what one business transaction did, from an event store's file or a recording.
struct TraceArguments {
  std::filesystem::path file;
  std::string correlation;      ///< or the id of any event of the transaction
  std::string format = "text";  ///< or mermaid, graphviz
  bool json = false;            ///< one JSON object a line, an event each
};

[[nodiscard]] int trace_command(const TraceArguments& arguments);

}  // namespace headrace::program
