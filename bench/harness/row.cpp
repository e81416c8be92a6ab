#include "harness/row.hpp"

#include <algorithm>

namespace headrace::bench {
namespace {

struct Registered {
  std::string name;
  RowSpec spec;
  void (*describe)(Row&);
};

std::vector<Registered>& registry() {
  static std::vector<Registered> rows;
  return rows;
}

}  // namespace

RowRegistration::RowRegistration(std::string name, RowSpec spec, void (*describe)(Row&)) {
  registry().push_back({std::move(name), std::move(spec), describe});
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const Registered& registered : registry()) {
    registered.describe(rows.emplace_back(registered.name, registered.spec));
  }
  std::ranges::sort(rows, {}, &Row::name);
  return rows;
}

}  // namespace headrace::bench
