#include <memory>
#include <utility>

#include "dead_letter_store.hpp"
#include "in_a_file.hpp"
#include "in_transactions.hpp"

namespace headrace::test {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Sqlite, DeadLetterStoreConformance,
    testing::Values(DeadLetterStoreMaker{
        "sqlite", [](std::size_t letters_max, WhenFull when_full) -> std::unique_ptr<DeadLetterStore> {
          auto file = std::make_unique<StoreInAFile>();
          auto letters = file->store().dead_letters({.letters_max = letters_max, .when_full = when_full});
          return std::make_unique<DeadLettersInAFile>(std::move(file), std::move(letters).value());
        }}));
INSTANTIATE_TEST_SUITE_P(SqliteTransaction, DeadLetterStoreConformance,
                         testing::Values(DeadLetterStoreMaker{
                             "sqlite_transaction",
                             [](std::size_t letters_max, WhenFull when_full) -> std::unique_ptr<DeadLetterStore> {
                               return std::make_unique<LettersInTransactions>(
                                   SqliteDeadLetterOptions{.letters_max = letters_max, .when_full = when_full});
                             }}));

// Claim:  letters, leases and ids outlive the process; the account starts anew with what is there.
// Method: open the file a second time, with one letter of three settled and one taken.
TEST(SqliteDeadLetters, OutliveTheProcess) {
  StoreInAFile file;
  DeadLetterLease lease = 0;
  {
    auto letters = file.store().dead_letters().value();
    for (std::uint64_t i = 1; i <= 3; ++i) {
      DeadLetter letter = letter_of(i);
      ASSERT_TRUE(letters->add({&letter, 1}));
    }
    const auto taken = letters->take({.filter = {}, .letters_max = 2, .now = at(1000)}).value();
    const DeadLetterId first = taken.letters[0].id;
    ASSERT_EQ(letters->settle(taken.lease, {&first, 1}).value(), 1U);
    lease = taken.lease;
  }
  file.reopen();
  auto letters = file.store().dead_letters().value();
  const auto all = letters->list({}).value();
  ASSERT_EQ(all.size(), 2U);
  expect_same(all[0], letter_of(2));
  EXPECT_EQ(letters->counts().value().added, 2U);
  EXPECT_EQ(letters->counts().value().settled, 0U);
  EXPECT_EQ(letters->take({.filter = {}, .letters_max = 9, .now = at(1001)}).value().letters.size(), 1U);
  const DeadLetterId second = all[0].id;
  EXPECT_EQ(letters->settle(lease, {&second, 1}).value(), 1U);
  DeadLetter again = letter_of(4);
  ASSERT_TRUE(letters->add({&again, 1}));
  EXPECT_GT(letters->list({}).value().back().id, all[1].id);
}

// Claim:  a batch with a letter whose predecessor cannot be read changes nothing, not even by the letters before it;
//         discarding that one by its id makes room. No other discard is stopped by it, unless it is meant too.
// Method: spoil a row of the table.
TEST(SqliteDeadLetters, ADamagedLetterSpoilsNothingElse) {
  StoreInAFile file;
  auto letters = file.store().dead_letters().value();
  std::vector<DeadLetter> batch{letter_of(2), letter_of(1)};
  ASSERT_TRUE(letters->add({&batch[1], 1}));
  const DeadLetterId damaged = letters->list({}).value().at(0).id;
  ASSERT_TRUE(file.store().transact([](SqliteTransaction& transaction) -> Status {
    const auto done = transaction.run("UPDATE dead_letters SET tags = 'spoilt'");
    return done ? Status{Nothing{}} : Status{done.error()};
  }));
  EXPECT_FALSE(letters->add(batch));
  EXPECT_EQ(letters->counts().value().stored, 1U);
  EXPECT_EQ(letters->counts().value().added, 1U);

  ASSERT_TRUE(letters->add({batch.data(), 1}));
  EXPECT_FALSE(letters->discard({}, at(1)));
  EXPECT_EQ(letters->discard({.id = damaged + 1}, at(1)).value(), 1U);
  EXPECT_EQ(letters->discard({.id = damaged}, at(1)).value(), 1U);
  EXPECT_EQ(letters->counts().value().discarded, 2U);
  EXPECT_EQ(letters->add(batch).value().letters, 2U);
  EXPECT_EQ(letters->list({}).value().size(), 2U);
}

// Claim:  a letter that holds only a typed event is refused, since it cannot be written down.
TEST(SqliteDeadLetters, RefuseLettersWithoutBytes) {
  StoreInAFile file;
  auto letters = file.store().dead_letters().value();
  DeadLetter letter = letter_of(1);
  letter.body.reset();
  const auto added = letters->add({&letter, 1});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().retry, Error::Retry::no);
  EXPECT_FALSE(letters->keeps_typed_events());
}

}  // namespace
}  // namespace headrace::test
