#include "headrace/port/server_url.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace headrace {
namespace {

// Claim:  a URL comes apart into what it says, with %XX resolved and IPv6 out of its brackets.
// Method: one with every part; the least one; one of IPv6 with a port and without; an empty path and none.
TEST(ServerUrl, ComesApart) {
  const ServerUrl all = *ServerUrl::of("amqps://us%40er:p%3Aw@h.example:5671/v%2Fhost", "url");
  EXPECT_EQ(all.scheme, "amqps");
  EXPECT_EQ(all.user, "us@er");
  EXPECT_EQ(all.password, "p:w");
  EXPECT_EQ(all.host, "h.example");
  EXPECT_EQ(all.port, 5671);
  EXPECT_EQ(all.path, "v/host");
  const ServerUrl least = *ServerUrl::of("mqtt://h", "url");
  EXPECT_EQ(least.host, "h");
  EXPECT_EQ(least.port, 0);
  EXPECT_FALSE(least.has_path);
  EXPECT_TRUE(ServerUrl::of("mqtt://h/", "url")->has_path);
  EXPECT_EQ(ServerUrl::of("x://[::1]:7", "url")->host, "::1");
  EXPECT_EQ(ServerUrl::of("x://[::1]:7", "url")->port, 7);
  EXPECT_EQ(ServerUrl::of("x://[::1]", "url")->host, "::1");
  EXPECT_EQ(ServerUrl::of("x://u:a/b@c@h", "url")->password, "a/b@c");
  EXPECT_EQ(ServerUrl::of("x://u:100%@h", "url")->password, "100%");
}

// Claim:  what is no URL is refused by name, and the message repeats nothing of it.
// Method: a table.
TEST(ServerUrl, RefusesWithoutRepeating) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"canary", "broker: is no URL"},
      {"x://canary@h", "broker: has a user without a password"},
      {"x://u:canary@", "broker: has no host"},
      {"x://u:canary@h:0", "broker: the port is none"},
      {"x://u:canary@h:99999", "broker: the port is none"},
      {"x://u:canary@h:1x", "broker: the port is none"}};
  for (const auto& [url, message] : table) {
    const auto parts = ServerUrl::of(url, "broker");
    ASSERT_FALSE(parts) << url;
    EXPECT_EQ(parts.error().message(), message);
  }
}

}  // namespace
}  // namespace headrace
