#pragma once

/// What every DeadLetterStore must do. An implementation runs it by
///   INSTANTIATE_TEST_SUITE_P(Memory, DeadLetterStoreConformance, testing::Values(DeadLetterStoreMaker{...}));

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dead_letter_store_fixture.hpp"

namespace headrace::test {

// Claim:  a letter comes back as it was given, by list and by show, with an id.
// Method: one letter with every field set; the typed event too, where the store keeps it.
TEST_P(DeadLetterStoreConformance, LetterComesBackAsItWas) {
  EXPECT_EQ(add(letter_of(7)).letters, 1U);
  const auto listed = all();
  ASSERT_EQ(listed.size(), 1U);
  expect_same(listed[0], letter_of(7));
  EXPECT_NE(listed[0].id, 0U);
  EXPECT_EQ(listed[0].redrives, 0U);
  const auto shown = store().show(listed[0].id).value();
  ASSERT_TRUE(shown.has_value());
  expect_same(*shown, letter_of(7));
  if (store().keeps_typed_events()) {
    ASSERT_NE(shown->event.as<Tick>(), nullptr);
    EXPECT_EQ(shown->event.as<Tick>()->value, 7U);
  }
  EXPECT_FALSE(store().show(listed[0].id + 1).value().has_value());
}

// Claim:  letters are listed in the order they came, a page at a time.
// Method: pages of two, each after the last id of the one before.
TEST_P(DeadLetterStoreConformance, ListsByAscendingIdInPages) {
  for (std::uint64_t i = 1; i <= 5; ++i) add(letter_of(i));
  Numbers seen;
  DeadLetterFilter filter;
  for (auto page = store().list(filter, 2).value(); !page.empty(); page = store().list(filter, 2).value()) {
    EXPECT_LE(page.size(), 2U);
    for (const std::uint64_t number : numbers(page)) seen.push_back(number);
    filter.after = page.back().id;
  }
  EXPECT_EQ(seen, (Numbers{1, 2, 3, 4, 5}));
}

// Claim:  every field of a filter chooses, and all given fields must agree.
// Method: letters that differ in one field each; each filter finds exactly its own.
TEST_P(DeadLetterStoreConformance, FilterChoosesByEachField) {
  std::array<DeadLetter, 6> letters{letter_of(1), letter_of(2, "other"), letter_of(3),
                                    letter_of(4), letter_of(5),          letter_of(6)};
  letters[2].subscription = "stats";
  letters[3].envelope.topic = "orders.paid";
  letters[4].failure = FailureClass::expired;
  letters[4].envelope.correlation = EventId::of(9, 9, 9);
  letters[5].last_failure = at(500);
  ASSERT_EQ(store().add(letters).value().letters, 6U);
  const auto found = [&](DeadLetterFilter filter) { return numbers(all(filter)); };
  EXPECT_EQ(found({.id = all()[2].id}), (Numbers{3}));
  EXPECT_EQ(found({.subscription = "stats"}), (Numbers{3}));
  EXPECT_EQ(found({.topic = "orders.paid"}), (Numbers{4}));
  EXPECT_EQ(found({.key = "other"}), (Numbers{2}));
  EXPECT_EQ(found({.failure = FailureClass::expired}), (Numbers{5}));
  EXPECT_EQ(found({.event = letter_of(1).envelope.id}), (Numbers{1}));
  EXPECT_EQ(found({.correlation = EventId::of(9, 9, 9)}), (Numbers{5}));
  EXPECT_EQ(found({.failed_from = at(102)}), (Numbers{6}));
  EXPECT_EQ(found({.failed_before = at(101)}), (Numbers{}));
  EXPECT_EQ(found({.failed_from = at(101), .failed_before = at(102)}), (Numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(found({.subscription = "stats", .key = "other"}), (Numbers{}));
}

// Claim:  a letter without content is refused, and with it the whole call.
// Method: a good letter before a bad one.
TEST_P(DeadLetterStoreConformance, RefusesALetterWithoutContent) {
  std::array<DeadLetter, 2> letters{letter_of(1), letter_of(2)};
  letters[1].event = HeldEvent{};
  letters[1].body.reset();
  const auto result = store().add(letters);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().retry, Error::Retry::no);
  EXPECT_TRUE(all().empty());
  expect_same(letters[0], letter_of(1));
}

// Claim:  a full store that refuses takes a prefix and leaves the others with the caller, untouched; they are
//         counted.
// Method: three letters, room for two; then one is discarded and the third comes again.
TEST_P(DeadLetterStoreConformance, FullStoreRefusesAndLosesNothing) {
  make(2);
  std::array<DeadLetter, 3> letters{letter_of(1), letter_of(2), letter_of(3)};
  EXPECT_EQ(store().add(letters).value().letters, 2U);
  expect_same(letters[2], letter_of(3));
  EXPECT_EQ(counts().refused, 1U);
  EXPECT_EQ(store().discard({.id = all()[0].id}, at(0)).value(), 1U);
  EXPECT_EQ(store().add(std::span{&letters[2], 1}).value().letters, 1U);
  EXPECT_EQ(numbers(all()), (Numbers{2, 3}));
  EXPECT_EQ(counts().added, 3U);
}

// Claim:  a full store that drops its oldest counts it, spares what is taken, and refuses when all is taken.
// Method: room for two; the older one is taken, so the younger one goes.
TEST_P(DeadLetterStoreConformance, FullStoreDropsTheOldestThatNobodyTook) {
  make(2, WhenFull::drop_oldest);
  add(letter_of(1));
  add(letter_of(2));
  EXPECT_EQ(add(letter_of(3)).dropped, 1U);
  EXPECT_EQ(numbers(all()), (Numbers{2, 3}));
  EXPECT_EQ(numbers(take(1).letters), (Numbers{2}));
  EXPECT_EQ(add(letter_of(4)).dropped, 1U);
  EXPECT_EQ(numbers(all()), (Numbers{2, 4}));
  EXPECT_EQ(numbers(take(1).letters), (Numbers{4}));
  EXPECT_EQ(add(letter_of(5)).letters, 0U);
  EXPECT_EQ(counts().dropped, 2U);
  EXPECT_EQ(counts().refused, 1U);
}

// Claim:  what is taken is not taken again while the lease runs; settled it is gone; released it can be taken at
//         once.
// Method: three letters, two takes, one settled and one released.
TEST_P(DeadLetterStoreConformance, LeaseKeepsOthersAway) {
  for (std::uint64_t i = 1; i <= 3; ++i) add(letter_of(i));
  const Taken first = take(2);
  const Taken second = take(2);
  EXPECT_EQ(numbers(first.letters), (Numbers{1, 2}));
  EXPECT_EQ(numbers(second.letters), (Numbers{3}));
  EXPECT_NE(first.lease, second.lease);
  EXPECT_EQ(take(2).lease, 0U);
  EXPECT_EQ(settle(first), 2U);
  EXPECT_EQ(settle(first), 0U);
  EXPECT_EQ(release(second), 1U);
  const Taken third = take(2);
  EXPECT_EQ(numbers(third.letters), (Numbers{3}));
  EXPECT_EQ(third.letters[0].redrives, 2U);
  EXPECT_EQ(counts().settled, 2U);
}

// Claim:  only the holder of a lease settles or releases, and only what it holds.
// Method: a foreign lease, none, and an id that is not there.
TEST_P(DeadLetterStoreConformance, ForeignLeaseDoesNothing) {
  add(letter_of(1));
  const Taken taken = take(1);
  const std::array<DeadLetterId, 2> some{taken.letters[0].id, taken.letters[0].id + 100};
  EXPECT_EQ(store().settle(taken.lease + 1, some).value(), 0U);
  EXPECT_EQ(store().release(0, some).value(), 0U);
  EXPECT_EQ(store().settle(taken.lease, some).value(), 1U);
}

// Claim:  a lease that ran out is taken over, and its former holder's answer changes nothing; nobody having taken
//         it, the late answer counts.
// Method: time passes between take and settle.
TEST_P(DeadLetterStoreConformance, LeaseRunsOut) {
  add(letter_of(1));
  add(letter_of(2));
  const Taken late = take(2, at(1000));
  EXPECT_TRUE(take(2, at(1029)).letters.empty());
  const Taken over = take(1, at(1030));
  EXPECT_EQ(numbers(over.letters), (Numbers{1}));
  EXPECT_EQ(settle(late), 1U);
  EXPECT_EQ(numbers(all()), (Numbers{1}));
  EXPECT_EQ(settle(over), 1U);
}

// Claim:  a lease for ever is held as long as there is time; a lease of less than nothing is held by nobody.
// Method: the longest and the shortest duration, taken and renewed, long after the start of time.
TEST_P(DeadLetterStoreConformance, LeasesOfAnyLength) {
  add(letter_of(1));
  add(letter_of(2));
  constexpr auto kForEver = std::chrono::nanoseconds::max();
  const auto taken_for = [this](std::chrono::nanoseconds lease_for) {
    return store().take({.filter = {}, .letters_max = 1, .now = at(1000), .lease_for = lease_for}).value();
  };
  const Taken ever = taken_for(kForEver);
  const Taken never = taken_for(-kForEver);
  EXPECT_EQ(numbers(never.letters), (Numbers{2}));
  EXPECT_EQ(numbers(take(2, at(1000)).letters), (Numbers{2}));
  EXPECT_EQ(store().renew(ever.lease, at(3000), kForEver).value(), 1U);
  EXPECT_EQ(numbers(take(2, EventTime::max() - std::chrono::nanoseconds{1}).letters), (Numbers{2}));
  EXPECT_EQ(release(ever), 1U);
}

// Claim:  a lease that is renewed is held longer.
// Method: renew for a minute; before and after its end.
TEST_P(DeadLetterStoreConformance, LeaseIsRenewed) {
  add(letter_of(1));
  const Taken taken = take(1, at(1000));
  EXPECT_EQ(store().renew(taken.lease, at(1020), std::chrono::seconds{60}).value(), 1U);
  EXPECT_EQ(store().renew(taken.lease + 1, at(1020), std::chrono::seconds{60}).value(), 0U);
  EXPECT_TRUE(take(1, at(1079)).letters.empty());
  EXPECT_EQ(take(1, at(1080)).letters.size(), 1U);
}

// Claim:  take() takes only what the filter names.
// Method: by key and by the reason class.
TEST_P(DeadLetterStoreConformance, TakesByFilter) {
  add(letter_of(1, "a"));
  add(letter_of(2, "b"));
  EXPECT_EQ(numbers(take(9, at(0), {.key = "b"}).letters), (Numbers{2}));
  EXPECT_TRUE(take(9, at(0), {.failure = FailureClass::expired}).letters.empty());
}

// Claim:  discard removes what the filter names, but for what is held.
// Method: one of three is taken; later its lease has run out.
TEST_P(DeadLetterStoreConformance, DiscardSparesWhatIsHeld) {
  for (std::uint64_t i = 1; i <= 3; ++i) add(letter_of(i));
  take(1, at(1000));
  EXPECT_EQ(store().discard({}, at(1001)).value(), 2U);
  EXPECT_EQ(numbers(all()), (Numbers{1}));
  EXPECT_EQ(store().discard({}, at(1030)).value(), 1U);
  EXPECT_EQ(counts().discarded, 3U);
}

// Claim:  an event that fails again after its redrive finds its old place, with the attempts of both lives, even
//         in a full store; the lease that redrove it has no say any more.
// Method: take, fail, add the same event again; then settle by the old lease.
TEST_P(DeadLetterStoreConformance, EventThatFailsAgainKeepsItsPlace) {
  make(2);
  add(letter_of(1));
  add(letter_of(2));
  const Taken taken = take(1);
  DeadLetter again = letter_of(1);
  again.reason = "still refused";
  again.attempts = {{1, at(2000), FailureClass::failed, "still refused"}};
  again.attempts_made = 1;
  again.first_failure = again.last_failure = at(2000);
  const Added added = add(again);
  EXPECT_EQ(added.letters, 1U);
  EXPECT_EQ(added.replaced, 1U);
  EXPECT_EQ(settle(taken), 0U);
  const auto letters = all();
  ASSERT_EQ(numbers(letters), (Numbers{1, 2}));
  EXPECT_EQ(letters[0].id, taken.letters[0].id);
  EXPECT_EQ(letters[0].redrives, 1U);
  EXPECT_EQ(letters[0].reason, "still refused");
  EXPECT_EQ(letters[0].attempts_made, 3U);
  ASSERT_EQ(letters[0].attempts.size(), 3U);
  EXPECT_EQ(letters[0].attempts[2].error, "still refused");
  EXPECT_EQ(letters[0].first_failure, at(100));
  EXPECT_EQ(letters[0].last_failure, at(2000));
  EXPECT_EQ(take(1).letters.size(), 1U) << "it can be taken at once";
  EXPECT_EQ(counts().replaced, 1U);
}

// Claim:  the row of attempts is bounded: the first and the latest stay, the number made is right.
// Method: one event fails a hundred times.
TEST_P(DeadLetterStoreConformance, AttemptsAreBounded) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    DeadLetter letter = letter_of(1);
    letter.attempts = {{1, at(i), FailureClass::failed, std::to_string(i)}};
    letter.attempts_made = 1;
    add(std::move(letter));
  }
  const auto letter = all()[0];
  EXPECT_EQ(letter.attempts_made, 100U);
  ASSERT_EQ(letter.attempts.size(), kAttemptsKept);
  EXPECT_EQ(letter.attempts.front().error, "0");
  EXPECT_EQ(letter.attempts[1].error, std::to_string(100 - (kAttemptsKept - 1)));
  EXPECT_EQ(letter.attempts.back().error, "99");
}

// Claim:  the same event given up on by two subscriptions is two letters; events without an id are never the same.
// Method: add each twice.
TEST_P(DeadLetterStoreConformance, SameEventOfTwoSubscriptionsIsTwoLetters) {
  DeadLetter other = letter_of(1);
  other.subscription = "stats";
  DeadLetter nameless = letter_of(2);
  nameless.envelope.id = EventId{};
  add(letter_of(1));
  add(other);
  add(nameless);
  add(nameless);
  EXPECT_EQ(all().size(), 4U);
}

// Claim:  letters of a parked key are handed out in order: a later one only with or after all earlier ones.
// Method: take one by one while the first is held; ask for a later one by id; take several in one lease.
TEST_P(DeadLetterStoreConformance, ParkedKeyIsTakenInOrder) {
  add(letter_of(1, "a", true));
  add(letter_of(2, "b", true));
  add(letter_of(3, "a", true));
  add(letter_of(4, "a", true));
  add(letter_of(5, "a"));  // does not park: free to go
  const auto letters = all();
  EXPECT_TRUE(take(9, at(0), {.id = letters[2].id}).letters.empty());
  const Taken first = take(1);
  EXPECT_EQ(numbers(first.letters), (Numbers{1}));
  EXPECT_EQ(numbers(take(9).letters), (Numbers{2, 5}));
  EXPECT_EQ(settle(first), 1U);
  const Taken run = take(9);
  EXPECT_EQ(numbers(run.letters), (Numbers{3, 4}));
  EXPECT_EQ(settle(run), 2U);
}

// Claim:  while the head of a parked key fails again and again, what is behind it stays behind.
// Method: redrive, fail, redrive.
TEST_P(DeadLetterStoreConformance, FailingHeadStaysTheHead) {
  add(letter_of(1, "a", true));
  add(letter_of(2, "a", true));
  for (std::uint64_t round = 0; round < 3; ++round) {
    EXPECT_EQ(numbers(take(1).letters), (Numbers{1}));
    add(letter_of(1, "a", true));
  }
  EXPECT_EQ(settle(take(1)), 1U);
  EXPECT_EQ(numbers(take(1).letters), (Numbers{2}));
}

// Claim:  a key is parked while a parking letter of it is there, in its own subscription only.
// Method: add, take, settle, discard; ask after each.
TEST_P(DeadLetterStoreConformance, KeyIsParkedUntilItsLastLetterIsGone) {
  DeadLetter other = letter_of(3, "a", true);
  other.subscription = "stats";
  add(letter_of(1, "a", true));
  add(letter_of(2, "a", true));
  add(other);
  add(letter_of(4, "b"));
  EXPECT_EQ(store().parked_keys().value(), (std::vector<ParkedKey>{{"billing", "a", 2}, {"stats", "a", 1}}));
  EXPECT_EQ(store().parked("billing", "a").value(), 2U);
  EXPECT_EQ(store().parked("billing", "b").value(), 0U);
  const Taken head = take(1, at(0), {.subscription = "billing"});
  EXPECT_EQ(store().parked("billing", "a").value(), 2U);
  EXPECT_EQ(settle(head), 1U);
  EXPECT_EQ(store().parked("billing", "a").value(), 1U);
  EXPECT_EQ(store().discard({.subscription = "billing"}, at(0)).value(), 2U);
  EXPECT_EQ(store().parked_keys().value(), (std::vector<ParkedKey>{{"stats", "a", 1}}));
  EXPECT_EQ(counts().parked_keys, 1U);
}

// Claim:  several threads redrive without running a letter twice.
// Method: each takes and settles until nothing is left; every letter was seen by one of them.
TEST_P(DeadLetterStoreConformance, ThreadsShareTheWorkWithoutDoubles) {
  constexpr std::uint64_t kLetters = 100;
  for (std::uint64_t i = 1; i <= kLetters; ++i) add(letter_of(i, std::to_string(i % 7), true));
  std::array<Numbers, 3> seen;
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> left{kLetters};
  for (Numbers& own : seen) {
    threads.emplace_back([&] {
      while (left.load() > 0) {
        const Taken taken = take(3);
        for (const std::uint64_t number : numbers(taken.letters)) own.push_back(number);
        left.fetch_sub(settle(taken));
        if (taken.letters.empty()) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint64_t> each;
  std::size_t sum = 0;
  for (const Numbers& own : seen) {
    sum += own.size();
    each.insert(own.begin(), own.end());
  }
  EXPECT_EQ(sum, kLetters);
  EXPECT_EQ(each.size(), kLetters);
  EXPECT_EQ(counts().settled, kLetters);
}

}  // namespace headrace::test
