#include <gtest/gtest.h>

#include <vector>

#include "headrace/redis/redis_dedup_store.hpp"
#include "redis_server.hpp"

namespace headrace::redis {
namespace {

using test::RedisServer;

RedisDedupOptions options_of(const RedisServer& server) {
  RedisDedupOptions options;
  options.server.url = server.url();
  options.server.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(1)};
  options.scope = "billing";
  return options;
}

std::vector<DedupAnswer> claim(RedisDedupStore& store, const std::vector<DedupKey>& keys, DedupOwner owner) {
  std::vector<DedupAnswer> answers(keys.size());
  const Status claimed = store.claim(keys, owner, {}, answers);
  EXPECT_TRUE(claimed) << claimed.error().message();
  return answers;
}

constexpr DedupAnswer kRun{DedupClaim::run, 0};
constexpr DedupAnswer kInProgress{DedupClaim::in_progress, 0};

// Claim:  an event is run by one owner, answered as done afterwards, and free again when it failed; scopes do not
// see
//         each other.
// Method: two owners with a store each, as two processes have; a batch with a key twice.
TEST(RedisDedupStore, ClaimsAreSeenByEveryProcess) {
  RedisServer server;
  RedisDedupStore one(options_of(server));
  RedisDedupStore two(options_of(server));
  const DedupKey a{1, 2};
  const DedupKey b{3, 4};
  EXPECT_EQ(claim(one, {a, b, a}, 1), (std::vector{kRun, kRun, kInProgress}));
  EXPECT_EQ(claim(two, {a, b}, 2), (std::vector{kInProgress, kInProgress}));
  EXPECT_EQ(claim(one, {a}, 1), (std::vector{kInProgress}));
  EXPECT_EQ(*two.finish(std::vector<DedupFinish>{{a, DedupEnd::done, 9}}, 2, {}), 0U) << "not the owner";
  EXPECT_EQ(*one.finish(std::vector<DedupFinish>{{a, DedupEnd::done, 7}, {b, DedupEnd::failed, 0}}, 1, {}), 2U);
  EXPECT_EQ(claim(two, {a, b}, 2), (std::vector{DedupAnswer{DedupClaim::done, 7}, kRun}));
  EXPECT_EQ(*one.finish(std::vector<DedupFinish>{{b, DedupEnd::done, 1}}, 1, {}), 0U)
      << "the claim is another's now";
  RedisDedupOptions other = options_of(server);
  other.scope = "shipping";
  RedisDedupStore third(other);
  EXPECT_EQ(claim(third, {a}, 1), (std::vector{kRun}));
}

// Claim:  claims run out, and done events are forgotten after the window.
// Method: a window and a claim of a millisecond, asked until they are over.
TEST(RedisDedupStore, ClaimsAndWindowsRunOut) {
  RedisServer server;
  RedisDedupOptions options = options_of(server);
  options.claim = options.window = std::chrono::milliseconds(1);
  RedisDedupStore store(options);
  const DedupKey key{1, 2};
  EXPECT_EQ(claim(store, {key}, 1), (std::vector{kRun}));
  while (claim(store, {key}, 2)[0] != kRun) {
  }
  (void)store.finish(std::vector<DedupFinish>{{key, DedupEnd::done, 7}}, 2, {});
  while (claim(store, {key}, 3)[0] != kRun) {
  }
}

// Claim:  while the server is away calls fail with `maybe`, and work again when it is back; what was done is still
// done. Method: the server killed and started again.
TEST(RedisDedupStore, OutlivesTheServer) {
  RedisServer server;
  RedisDedupStore store(options_of(server));
  const DedupKey key{1, 2};
  EXPECT_EQ(claim(store, {key}, 1), (std::vector{kRun}));
  EXPECT_EQ(*store.finish(std::vector<DedupFinish>{{key, DedupEnd::done, 7}}, 1, {}), 1U);
  server.stop(SIGKILL);
  std::vector<DedupAnswer> answers(1);
  const std::vector<DedupKey> keys{key};
  for (int i = 0; i < 3; ++i) {
    const Status away = store.claim(keys, 1, {}, answers);
    ASSERT_FALSE(away);
    EXPECT_EQ(away.error().retry, Error::Retry::maybe);
  }
  server.start();
  while (!store.claim(keys, 1, {}, answers)) {
  }
  EXPECT_EQ(answers[0], (DedupAnswer{DedupClaim::done, 7}));
}

}  // namespace
}  // namespace headrace::redis
