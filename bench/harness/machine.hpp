#pragma once

#include <string>

namespace headrace::bench {

/// Where and of what the figures were made.
struct Provenance {
  std::string machine;   ///< processor, processors, kernel
  std::string compiler;  ///< name, version, flags
  std::string commit;    ///< of the source this program was built from; "+" when it had been changed
  std::string left_out;  ///< rows and peers that this build lacks the packages for
};

[[nodiscard]] Provenance provenance();

}  // namespace headrace::bench
