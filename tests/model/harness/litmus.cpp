#include "harness/litmus.hpp"

#include <vector>

namespace headrace::model {
namespace {
std::vector<RegisteredLitmus>& registry() noexcept {
  static std::vector<RegisteredLitmus> all;
  return all;
}
}  // namespace

std::span<const RegisteredLitmus> litmuses() noexcept { return registry(); }
void add_litmus(RegisteredLitmus litmus) { registry().push_back(std::move(litmus)); }

std::ostream& nowhere() noexcept {
  static std::ostream stream{nullptr};
  return stream;
}

}  // namespace headrace::model
