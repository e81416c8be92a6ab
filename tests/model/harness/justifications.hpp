#pragma once

#include <optional>
#include <string>
#include <vector>

namespace headrace::model {

/// Why a weaker order that no litmus catches may stay as it is written. Paragraphs of a text file:
///
///     core/ring/include/headrace/ring/spsc_ring.hpp try_push
///     tail_.load(acquire)
///     acquire -> relaxed
///     The reason, on as many lines as it takes.
struct Justification {
  std::string file_and_function;
  std::string code;
  std::string mutation;
  std::string reason;
  unsigned line = 0;  ///< in the text file
  bool used = false;
};

class Justifications {
 public:
  /// Nothing if the file is not there or has a paragraph without a reason; then `error` says which.
  [[nodiscard]] static std::optional<Justifications> read(const std::string& path, std::string& error);

  /// Marks what it finds as used.
  [[nodiscard]] const Justification* find(const std::string& file_and_function, const std::string& code,
                                          const std::string& mutation);
  [[nodiscard]] std::vector<const Justification*> unused() const;

 private:
  std::vector<Justification> all_;
};

}  // namespace headrace::model
