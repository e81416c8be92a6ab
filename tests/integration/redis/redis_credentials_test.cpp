#include <gtest/gtest.h>

#include <cstdlib>
#include <mutex>

#include "gate.hpp"
#include "headrace/redis/redis_sink.hpp"
#include "headrace/redis/redis_source.hpp"
#include "redis_server.hpp"

namespace headrace::redis {
namespace {

constexpr const char* kSecret = "canary-4711";

/// A source's health as it changed, in one text.
struct Watched {
  std::mutex mutex;
  std::string text;
  HealthBoard::Changed watch() {
    return [this](const Health& health) {
      const std::scoped_lock lock(mutex);
      text += std::string(to_string(health.state)) + ": " + health.reason + "\n";
    };
  }
};

RedisSourceOptions source_options(const RedisOptions& server) {
  RedisSourceOptions options;
  options.server = server;
  options.stream = "s";
  options.consumer = "c";
  return options;
}

// Claim:  a password is taken from the URL, a file or a variable.
// Method: a server that wants one; each way.
TEST(RedisCredentials, ComeFromUrlFileOrVariable) {
  test::RedisServer server(kSecret);
  test::ServerProcess folder;
  folder.write("secret", std::string(kSecret) + "\n");
  ::setenv("HEADRACE_TEST_SECRET", kSecret, 1);
  std::vector<RedisOptions> ways(3);
  ways[0].url = "redis://default:" + std::string(kSecret) + "@127.0.0.1:" + std::to_string(server.port()) + "/0";
  ways[1].url = ways[2].url = server.url();
  ways[1].password_file = folder.path("secret");
  ways[2].password_variable = "HEADRACE_TEST_SECRET";
  for (const RedisOptions& way : ways) {
    RedisSource source(source_options(way));
    ASSERT_TRUE(source.start([](ReceivedMessage&&) {}));
    test::yield_until([&] { return source.health().state == AdapterState::up; });
    EXPECT_EQ(source.stop(std::chrono::milliseconds(0)), 0U);
  }
}

// Claim:  wrong credentials give up at the first attempt, say so, and are in no message.
// Method: a wrong password in each part of the adapter; everything that it says.
TEST(RedisCredentials, WrongOnesGiveUpAndStaySecret) {
  test::RedisServer server("right");
  Watched watched;
  RedisOptions wrong;
  wrong.url = "redis://default:" + std::string(kSecret) + "@127.0.0.1:" + std::to_string(server.port());
  wrong.on_health = watched.watch();
  RedisSource source(source_options(wrong));
  ASSERT_TRUE(source.start([](ReceivedMessage&&) {}));
  RedisSinkOptions sink_options;
  sink_options.server = wrong;
  RedisSink sink(std::move(sink_options));
  ASSERT_TRUE(sink.start());
  test::yield_until([&] {
    return source.health().state == AdapterState::gave_up && sink.health().state == AdapterState::gave_up;
  });
  EXPECT_NE(source.health().reason.find("WRONGPASS"), std::string::npos) << source.health().reason;
  Message message;
  message.topic = "s";
  std::string answer;
  EXPECT_EQ(sink.send(std::move(message), [&](const Status& status) { answer = status.error().message(); }),
            SendResult::taken);
  EXPECT_EQ(sink.stop(std::chrono::milliseconds(1)), 1U);
  EXPECT_EQ(source.stop(std::chrono::milliseconds(0)), 0U);
  const std::scoped_lock lock(watched.mutex);
  EXPECT_EQ((watched.text + answer).find(kSecret), std::string::npos) << watched.text << answer;
}

// Claim:  a URL that cannot be honoured is refused at the start, without repeating it.
// Method: a table.
TEST(RedisCredentials, UrlsAreLookedAtFirst) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"rediss://u:canary@", "redis url: has no host"},
      {"http://canary", "redis url: must begin with redis:// or rediss://"},
      {"redis://canary@h", "redis url: has a user without a password"},
      {"redis://u:canary@h:x", "redis url: the port is none"},
      {"redis://u:canary@h/x", "redis url: the database is no number"},
      {"redis://u:canary@", "redis url: has no host"}};
  for (const auto& [url, message] : table) {
    RedisOptions options;
    options.url = url;
    RedisSource source(source_options(options));
    const Status started = source.start([](ReceivedMessage&&) {});
    ASSERT_FALSE(started) << url;
    EXPECT_EQ(started.error().message(), message);
  }
  RedisOptions options;
  options.url = "redis://us%40er:p%3Aw@h:1/2";
  const auto address = *RedisAddress::of(options);
  EXPECT_EQ(address.user, "us@er");
  EXPECT_EQ(address.password, "p:w");
  EXPECT_EQ(address.database, 2U);
  EXPECT_EQ(address.text(), "redis h:1");
}

}  // namespace
}  // namespace headrace::redis
