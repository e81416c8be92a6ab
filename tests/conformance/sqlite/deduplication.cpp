#include <memory>
#include <utility>

#include "dedup_store.hpp"
#include "in_a_file.hpp"
#include "in_transactions.hpp"

namespace headrace::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, DedupStoreConformance,
                         testing::Values(DedupStoreMaker{
                             "sqlite",
                             [](std::uint32_t events_max, std::chrono::seconds window,
                                std::chrono::seconds claim_for) -> std::unique_ptr<DedupStore> {
                               auto file = std::make_unique<StoreInAFile>();
                               auto done = file->store().deduplication({.scope = "billing",
                                                                        .events_max = events_max,
                                                                        .window = window,
                                                                        .claim_for = claim_for});
                               return std::make_unique<DedupInAFile>(std::move(file), std::move(done));
                             },
                             true, true}));
INSTANTIATE_TEST_SUITE_P(
    SqliteTransaction, DedupStoreConformance,
    testing::Values(DedupStoreMaker{
        "sqlite_transaction",
        [](std::uint32_t events_max, std::chrono::seconds window,
           std::chrono::seconds claim_for) -> std::unique_ptr<DedupStore> {
          return std::make_unique<DedupInTransactions>(SqliteDedupOptions{
              .scope = "billing", .events_max = events_max, .window = window, .claim_for = claim_for});
        },
        true, true}));

// Claim:  what was done is remembered by the next process, in its own scope only.
TEST(SqliteDeduplication, OutlivesTheProcess) {
  StoreInAFile file;
  const DedupKey key = dedup_key(1);
  const auto claim = [&](const char* scope) {
    DedupAnswer answer;
    EXPECT_TRUE(file.store().deduplication({.scope = scope})->claim({&key, 1}, 1, dedup_time(0), {&answer, 1}));
    return answer.claim;
  };
  EXPECT_EQ(claim("billing"), DedupClaim::run);
  const DedupFinish finish{key};
  EXPECT_EQ(file.store().deduplication({.scope = "billing"})->finish({&finish, 1}, 1, dedup_time(0)).value(), 1U);
  file.reopen();
  EXPECT_EQ(claim("billing"), DedupClaim::done);
  EXPECT_EQ(claim("stats"), DedupClaim::run);
}

}  // namespace
}  // namespace headrace::test
