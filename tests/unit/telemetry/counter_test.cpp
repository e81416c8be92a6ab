#include "headrace/telemetry/counter.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace headrace {
namespace {

// Claim:  readers see a count that only grows, and the whole of it once the owner has been joined.
// Method: one thread adds while another reads.
TEST(SingleWriterCounter, GrowsUnderAReaderAndIsExactAfterJoin) {
  constexpr std::uint64_t kAdds = 200'000;
  SingleWriterCounter counter;
  std::thread owner([&] {
    for (std::uint64_t i = 0; i < kAdds; ++i) counter.add(1 + i % 2);
  });
  std::uint64_t last = 0;
  while (last < kAdds) {
    const auto now = counter.value();
    ASSERT_GE(now, last);
    last = now;
  }
  owner.join();
  EXPECT_EQ(counter.value(), kAdds + kAdds / 2);
}

}  // namespace
}  // namespace headrace
