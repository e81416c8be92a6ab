#pragma once

#include <string>
#include <vector>

#include "harness/machine.hpp"
#include "harness/runner.hpp"

namespace headrace::bench {

/// A row that there is no figure of. It stands in the table and in the JSON, so that nobody takes it for missing.
struct NotMeasured {
  std::string name, unit, why;
};

void print_head(const Provenance& provenance, const RunOptions& options);
void print_left_out(const Provenance& provenance);
void print_table_head();
void print_line(const Comparison& comparison);
void print_line(const NotMeasured& row);

/// An array of flat objects, one a comparison. The fields are described in bench/README.md.
[[nodiscard]] std::string to_json(const std::vector<Comparison>& comparisons,
                                  const std::vector<NotMeasured>& others, const Provenance& provenance);

}  // namespace headrace::bench
