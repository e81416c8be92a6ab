#include "mutation.hpp"

#include <cstring>
#include <string_view>

namespace headrace::model {

namespace {
// A litmus's own orders are no subject.
bool is_subject(const Site& site) noexcept {
  const std::string_view file = site.file;
  return file.find("/tests/model/") == std::string_view::npos || file.ends_with("textbook_ring.hpp");
}
}  // namespace

bool Site::same_as(const Site& other) const noexcept {
  return line == other.line && column == other.column && operation == other.operation &&
         (file == other.file || std::strcmp(file, other.file) == 0);
}

void SiteRegistry::see(const Site& site) noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    if (sightings_[i].site.same_as(site)) {
      sightings_[i].litmuses.set(litmus_);
      return;
    }
  }
  if (count_ == sightings_.size() || !is_subject(site)) return;
  sightings_[count_].site = site;
  sightings_[count_++].litmuses.set(litmus_);
}

std::span<const std::memory_order> weaker_orders(Operation operation, std::memory_order order) noexcept {
  using enum std::memory_order;
  static constexpr std::memory_order kBoth[] = {acq_rel, acquire, release, relaxed};
  static constexpr std::memory_order kLoad[] = {acquire, relaxed};
  static constexpr std::memory_order kStore[] = {release, relaxed};
  const std::span both{kBoth};
  switch (operation) {
    case Operation::load:
    case Operation::compare_exchange_failure:
      if (order == seq_cst) return kLoad;
      break;
    case Operation::store:
      if (order == seq_cst) return kStore;
      break;
    case Operation::light_fence:
    case Operation::heavy_fence:
      return both.last(1);
    case Operation::read_modify_write:
    case Operation::compare_exchange:
    case Operation::fence:
      if (order == seq_cst) return both;
      if (order == acq_rel) return both.subspan(1);
      break;
  }
  return order == relaxed ? both.first(0) : both.last(1);
}

}  // namespace headrace::model
