#pragma once

#include <string>
#include <vector>

#include "harness/machine.hpp"
#include "harness/runner.hpp"

namespace headrace::bench {

void print_head(const Provenance& provenance, const RunOptions& options);
void print_table_head();
void print_line(const Comparison& comparison);

/// An array of flat objects, one a comparison. The fields are described in bench/README.md.
[[nodiscard]] std::string to_json(const std::vector<Comparison>& comparisons, const Provenance& provenance);

}  // namespace headrace::bench
