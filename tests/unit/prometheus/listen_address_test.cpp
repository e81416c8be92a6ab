#include "listen_address.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace headrace::prometheus {
namespace {

// Claim:  an address is numeric and has a port; which of them are the loopback is known.
// Method: good ones and bad ones.
TEST(ListenAddresses, AreNumericAndKnowTheLoopback) {
  constexpr std::array<std::pair<std::string_view, bool>, 5> kGood{{{"127.0.0.1:9464", true},
                                                                    {"127.1.2.3:0", true},
                                                                    {"[::1]:80", true},
                                                                    {"0.0.0.0:9464", false},
                                                                    {"[::]:9464", false}}};
  for (const auto& [text, loopback] : kGood) {
    const auto address = ListenAddress::of(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->loopback, loopback) << text;
  }
  for (const std::string_view bad : {"", "9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:9464r",
                                     "localhost:9464", "::1:9464", "[::1]", "127.0.0.1:1,0.0.0.0:2", "1.2.3:4"}) {
    EXPECT_FALSE(ListenAddress::of(bad)) << bad;
  }
}

// Claim:  only names that this machine has for itself pass as its own.
// Method: those, and what a page could have had pointed at it.
TEST(ListenAddresses, HostsOfTheLoopbackAreTold) {
  for (const std::string_view own : {"localhost", "localhost:9464", "127.0.0.1", "127.0.0.1:9464", "[::1]:9464"}) {
    EXPECT_TRUE(is_loopback_host(own)) << own;
  }
  for (const std::string_view other : {"", "evil.example", "localhost.evil.example", "127.evil.example:80",
                                       "127.0.0.1.evil.example", "[::2]", "[::1"}) {
    EXPECT_EQ(is_loopback_host(other), other == "[::1") << other;
  }
}

}  // namespace
}  // namespace headrace::prometheus
