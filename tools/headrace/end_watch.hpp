#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "descriptor.hpp"
#include "headrace/port/health.hpp"
#include "headrace/port/metric.hpp"

namespace headrace::program {

/// What a gateway's ends say of their health, from their threads to the gateway's own.
/// Threads:  what watch() answers is called by any; take() by one.
class EndWatch {
 public:
  EndWatch();
  /// For an end of this name. The watch outlives the end.
  [[nodiscard]] HealthBoard::Changed watch(std::string end);
  /// What changed since the last call, in the order in which it did.
  [[nodiscard]] std::vector<NamedHealth> take();
  /// Readable when something has changed.
  [[nodiscard]] int descriptor() const noexcept { return event_.get(); }

 private:
  Descriptor event_;
  std::mutex mutex_;
  std::vector<NamedHealth> changes_;
};

}  // namespace headrace::program
