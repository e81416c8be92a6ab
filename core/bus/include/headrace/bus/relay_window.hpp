#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "headrace/port/settle.hpp"

namespace headrace {

/// Which messages are on their way and which were done lately, by an identity that their sender gave them. A copy
/// of one that is done is done at once; a copy of one on its way gets the same answer as that one. In memory: what
/// was done before a restart of the process is not known after it.
///
/// Limits:   remembers the `done_max` that were done last; those on their way are bounded by their sources.
/// Threads:  any.
class RelayWindow {
 public:
  explicit RelayWindow(std::size_t done_max) : done_max_(done_max) {}

  enum class Seen : std::uint8_t { first, under_way, done };
  /// Takes the right to settle from any but the first.
  [[nodiscard]] Seen admit(const std::string& identity, Settle& settle);
  /// The first's outcome, with the reason of a rejection. One that is not done is forgotten, so that it may come again.
  void finish(const std::string& identity, Settlement settlement, std::string_view reason) noexcept;

 private:
  using Identities = std::list<std::string>;
  struct Entry {
    bool done = false;
    std::vector<Settle> copies;  ///< that wait for the outcome
    Identities::iterator
        place;  ///< in under_way_, or in done_: made when it comes, so that finish() takes no memory
  };
  const std::size_t done_max_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  Identities under_way_;
  Identities done_;  ///< the oldest first
};

}  // namespace headrace
