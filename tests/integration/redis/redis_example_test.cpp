#include <gtest/gtest.h>

#include <string>

#include "redis_server.hpp"
#include "server_process.hpp"

#if defined(HEADRACE_EXAMPLE_REDIS)
namespace headrace::redis {
namespace {

// Claim:  the guide's program does what it says, also a second time on the same server.
// Method: two runs with a server of the test's own.
TEST(RedisExample, MailsEachInvoiceOnce) {
  const test::RedisServer server;
  for (int run = 0; run < 2; ++run) {
    test::ServerProcess example;
    example.start({HEADRACE_EXAMPLE_REDIS, server.url()});
    EXPECT_EQ(example.await_end(), 0) << example.log();
    EXPECT_NE(example.log().find("mailed 10, dead letters 1\n"), std::string::npos) << example.log();
  }
}

}  // namespace
}  // namespace headrace::redis
#endif
