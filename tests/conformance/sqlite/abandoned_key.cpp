#include "abandoned_key.hpp"

#include <gtest/gtest.h>

#include "in_a_file.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

// Claim:  keys stay parked over a stop and a restart by what stands in the file.
// Method: as in unit/bus/abandoned_key_test.cpp, with the file closed between the two buses.
TEST(SqliteDeadLetters, AbandonedKeysStayParkedOverAStop) {
  StoreInAFile file;
  const AbandonedKeys keys{[&] {
    file.reopen();
    return std::shared_ptr<DeadLetterStore>(file.store().dead_letters().value());
  }};
  keys.hold_their_order({.ordered = true, .retry = fixed(1h), .park_key = true});
}

}  // namespace
}  // namespace headrace::test
