#include <gtest/gtest.h>

#include <vector>

#include "../../conformance/dedup_store.hpp"
#include "headrace/redis/redis_dedup_store.hpp"
#include "redis_server.hpp"

namespace headrace::redis {
namespace {

using namespace test;

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

// One server for the suite; each store has a scope of its own.
std::unique_ptr<DedupStore> fresh_store(std::uint32_t, std::chrono::seconds window,
                                        std::chrono::seconds claim_for) {
  static RedisServer server;
  static int made = 0;
  RedisDedupOptions options = options_of(server);
  options.scope = "scope" + std::to_string(++made);
  options.window = window;
  options.claim = claim_for;
  return std::make_unique<RedisDedupStore>(std::move(options));
}
INSTANTIATE_TEST_SUITE_P(Redis, DedupStoreConformance,
                         testing::Values(DedupStoreMaker{"redis", fresh_store, false, true}));

// Claim:  what one process claims, another sees; scopes do not see each other; an hour without a word clears it
//         away.
// Method: two owners with a store each; a third scope; the server asked for the key's expiry.
TEST(RedisDedupStore, ClaimsAreSeenByEveryProcess) {
  RedisServer server;
  RedisDedupStore one(options_of(server));
  RedisDedupStore two(options_of(server));
  const DedupKey a{1, 2};
  EXPECT_EQ(claim(one, {a}, 1), (std::vector{kRun}));
  EXPECT_EQ(claim(two, {a}, 2), (std::vector{kInProgress}));
  EXPECT_EQ(*one.finish(std::vector<DedupFinish>{{a, DedupEnd::done, 7}}, 1, {}), 1U);
  EXPECT_EQ(claim(two, {a}, 2), (std::vector{DedupAnswer{DedupClaim::done, 7}}));
  RedisDedupOptions other = options_of(server);
  other.scope = "shipping";
  RedisDedupStore third(other);
  EXPECT_EQ(claim(third, {a}, 1), (std::vector{kRun}));
  EXPECT_TRUE(ask(server.port(), "PTTL billing:00000000000000010000000000000002\r\n").starts_with(":3"));
}

// Claim:  while the server is away calls fail with `maybe`, and work again when it is back; what was done is still
//         done.
// Method: the server killed and started again.
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
