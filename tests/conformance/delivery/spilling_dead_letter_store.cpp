#include "headrace/delivery/spilling_dead_letter_store.hpp"

#include "dead_letter_store_fixture.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"

namespace headrace::test {
namespace {

/// Where the letters lie.
struct Spilling {
  std::shared_ptr<MemoryDeadLetterStore> first =
      std::make_shared<MemoryDeadLetterStore>(MemoryDeadLetterOptions{.letters_max = 2});
  std::shared_ptr<MemoryDeadLetterStore> second = std::make_shared<MemoryDeadLetterStore>();
  SpillingDeadLetterStore store{first, second};

  void add(DeadLetter letter) { ASSERT_EQ(store.add({&letter, 1})->letters, 1U); }
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> stored() const {
    return {first->counts()->stored, second->counts()->stored};
  }
};

// Claim:  once letters have spilled new ones go behind them, though the first store has room again, until the
//         second is empty; so letters come out in the order they went in.
// Method: fill both, empty the first, add; empty all, add.
TEST(SpillingDeadLetterStore, NewLettersGoBehindWhatHasSpilled) {
  Spilling s;
  for (std::uint64_t i = 1; i <= 3; ++i) s.add(letter_of(i));
  EXPECT_EQ(s.stored(), std::pair(std::uint64_t{2}, std::uint64_t{1}));
  const auto taken = s.store.take({.letters_max = 2, .now = at(1000)});
  ASSERT_EQ(taken->letters.size(), 2U);
  const std::vector<DeadLetterId> ids{taken->letters[0].id, taken->letters[1].id};
  EXPECT_EQ(s.store.settle(taken->lease, ids).value(), 2U);
  s.add(letter_of(4));
  EXPECT_EQ(s.stored(), std::pair(std::uint64_t{0}, std::uint64_t{2}));
  EXPECT_EQ(s.store.spilled(), 2U);
  EXPECT_EQ(s.store.discard({}, at(1000)).value(), 2U);
  s.add(letter_of(5));
  EXPECT_EQ(s.stored(), std::pair(std::uint64_t{1}, std::uint64_t{0}));
}

// Claim:  an event that fails again stands where it stood, in whichever of the stores, whatever has spilled
//         meanwhile.
// Method: one in each, added again.
TEST(SpillingDeadLetterStore, EventThatFailsAgainStaysInItsStore) {
  Spilling s;
  for (std::uint64_t i = 1; i <= 3; ++i) s.add(letter_of(i));
  s.add(letter_of(1));
  s.add(letter_of(3));
  EXPECT_EQ(s.stored(), std::pair(std::uint64_t{2}, std::uint64_t{1}));
  EXPECT_EQ(s.store.spilled(), 1U);
  EXPECT_EQ(s.store.counts()->replaced, 2U);
}

// Claim:  a spilled letter of a parked key waits for those of the key in the first store, and for no other; and it
//         is taken together with them.
// Method: keys over the seam: taken one after the other, then all at once.
TEST(SpillingDeadLetterStore, ParkedKeysWaitOverTheSeam) {
  Spilling s;
  s.add(letter_of(1, "a", true));
  s.add(letter_of(2, "a", true));
  s.add(letter_of(3, "a", true));
  s.add(letter_of(4, "b", true));
  const auto one = s.store.take({.letters_max = 1, .now = at(1000)});
  const auto other = s.store.take({.letters_max = 1, .now = at(1000)});
  ASSERT_EQ(one->letters.size(), 1U);
  ASSERT_EQ(other->letters.size(), 1U);
  EXPECT_EQ(one->letters[0].envelope.id, letter_of(1).envelope.id);
  EXPECT_EQ(other->letters[0].envelope.id, letter_of(4).envelope.id);
  const DeadLetterId id = one->letters[0].id;
  EXPECT_EQ(s.store.release(one->lease, {&id, 1}).value(), 1U);
  EXPECT_EQ(s.store.take({.letters_max = 9, .now = at(1000)})->letters.size(), 3U);
  EXPECT_EQ(s.store.parked("billing", "a").value(), 3U);
}

// Claim:  no lease is kept of letters that are no longer anybody's under it: settled, released, failed again in
//         between, taken by somebody else, or discarded after the lease ran out.
// Method: a letter in each store goes each of these ways.
TEST(SpillingDeadLetterStore, LeasesDoNotStay) {
  for (const std::uint64_t number : {1U, 3U}) {
    Spilling s;
    for (std::uint64_t i = 1; i <= 3; ++i) s.add(letter_of(i));
    DeadLetterFilter one;
    one.event = letter_of(number).envelope.id;
    const auto take = [&](std::int64_t seconds) {
      return *s.store.take(
          {.filter = one, .letters_max = 1, .now = at(seconds), .lease_for = std::chrono::seconds{30}});
    };
    const Taken first = take(1000);
    ASSERT_EQ(first.letters.size(), 1U);
    const DeadLetterId id = first.letters[0].id;
    s.add(letter_of(number));  // it failed again: its lease has ended
    EXPECT_EQ(s.store.release(first.lease, {&id, 1}).value(), 0U);
    EXPECT_EQ(s.store.leases(), 0U);

    const Taken late = take(1000);
    const Taken others = take(2000);  // the lease before has run out
    EXPECT_EQ(s.store.leases(), 1U);
    EXPECT_EQ(s.store.settle(late.lease, {&id, 1}).value(), 0U);
    EXPECT_EQ(s.store.renew(others.lease, at(2000), std::chrono::seconds{30}).value(), 1U);
    EXPECT_EQ(s.store.discard(one, at(3000)).value(), 1U);
    EXPECT_EQ(s.store.leases(), 0U);
    EXPECT_EQ(s.store.settle(others.lease, {&id, 1}).value(), 0U);
  }
}

// Claim:  a letter that has to wait for those of its key in the first store is not touched meanwhile.
// Method: its count of redrives after others were taken past it.
TEST(SpillingDeadLetterStore, LetterThatWaitsIsLeftAlone) {
  Spilling s;
  s.add(letter_of(1, "a", true));
  s.add(letter_of(2, "b"));
  s.add(letter_of(3, "a", true));
  s.add(letter_of(4, "b"));
  const auto past = s.store.take({.filter = {.key = "b"}, .letters_max = 9, .now = at(1000)});
  EXPECT_EQ(past->letters.size(), 2U);
  const auto first = s.store.take({.letters_max = 1, .now = at(1000)});
  ASSERT_EQ(first->letters.size(), 1U);
  EXPECT_TRUE(s.store.take({.letters_max = 9, .now = at(1000)})->letters.empty());
  const auto waits = s.store.list({}, 9).value();
  ASSERT_EQ(waits.size(), 4U);
  EXPECT_EQ(waits[2].envelope.id, letter_of(3).envelope.id);
  EXPECT_EQ(waits[2].redrives, 0U);
  EXPECT_EQ(waits[2].id, SpillingDeadLetterStore::id_of_spilled(1));
}

}  // namespace
}  // namespace headrace::test
