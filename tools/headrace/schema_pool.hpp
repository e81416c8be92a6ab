#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "record.hpp"

namespace headrace::program {

/// The schemas of one run, each set of names once. Records point at them, so the pool outlives the bus.
/// Threads:  the reading thread asks; schemas are constant, any thread reads them.
class SchemaPool {
 public:
  explicit SchemaPool(const FieldTable& mentioned, std::size_t schemas_max = 10'000)
      : mentioned_(mentioned), schemas_max_(schemas_max) {}

  /// Null when there are schemas_max others: input whose keys never repeat may not fill the memory.
  [[nodiscard]] const Schema* find_or_add(const std::vector<std::string>& names);
  [[nodiscard]] std::size_t schemas_max() const noexcept { return schemas_max_; }
  /// Mentioned fields that no schema of the run had.
  [[nodiscard]] std::vector<std::string> never_seen() const;

 private:
  const FieldTable& mentioned_;
  const std::size_t schemas_max_;
  std::map<std::vector<std::string>, std::unique_ptr<const Schema>> schemas_;
};

}  // namespace headrace::program
