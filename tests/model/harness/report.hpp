#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "harness/justifications.hpp"
#include "harness/mutation_runner.hpp"

namespace headrace::model {

/// The mutants' table, and what is wrong with it: mutants that nothing catches and nothing justifies, orders that
/// no litmus executes, and justifications of what is caught or gone.
class Report {
 public:
  Report(const SiteRegistry& registry, const std::vector<Verdict>& verdicts, Justifications& justifications);

  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }
  void write_summary(std::ostream& out) const;
  void write_markdown(std::ostream& out) const;

 private:
  struct Row {
    std::string file, function, code, label, mutation, shown_by;
  };
  void add_verdict(const Verdict& verdict, Justifications& justifications);
  void add_unseen(const SiteRegistry& registry, Justifications& justifications);

  std::vector<Row> rows_;
  std::vector<std::string> complaints_;
  std::size_t sites_ = 0, relaxed_ = 0, mutants_ = 0, caught_ = 0, justified_ = 0;
};

}  // namespace headrace::model
