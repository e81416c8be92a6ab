#pragma once

/// What the suite of dead_letter_store.hpp stands on.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "events.hpp"
#include "headrace/port/dead_letter_store.hpp"

namespace headrace::test {

struct DeadLetterStoreMaker {
  std::string name;
  /// A new, empty store with room for so many letters.
  std::function<std::unique_ptr<DeadLetterStore>(std::size_t letters_max, WhenFull when_full)> make;
};
inline std::ostream& operator<<(std::ostream& out, const DeadLetterStoreMaker& maker) { return out << maker.name; }

inline EventTime at(std::int64_t seconds) { return EventTime{std::chrono::seconds{seconds}}; }

/// A letter about event `number`, with every field set.
inline DeadLetter letter_of(std::uint64_t number, std::string key = "k", bool parks_key = false) {
  DeadLetter letter;
  letter.envelope.id = EventId::of(1'700'000'000'000 + number, number, number);
  letter.envelope.topic = "orders.placed";
  letter.envelope.key = std::move(key);
  letter.envelope.version = 3;
  letter.envelope.time = at(90);
  letter.envelope.correlation = EventId::of(1, 2, 3);
  letter.envelope.causation = EventId::of(4, 5, 6);
  letter.envelope.tags = {"vip", "eu"};
  letter.envelope.headers = {{"trace", "00-1"}, {"trace", "00-2"}};
  letter.event = HeldEvent::of(Tick{.key = 1, .value = number});
  letter.body =
      EncodedBody{"application/octet-stream", {std::byte{0}, std::byte{static_cast<unsigned char>(number)}}};
  letter.type = "test.tick";
  letter.subscription = "billing";
  letter.worker = 1;
  letter.failure = FailureClass::threw;
  letter.reason = "card refused";
  letter.attempts = {{1, at(100), FailureClass::threw, "timeout"},
                     {2, at(101), FailureClass::threw, "card refused"}};
  letter.attempts_made = 2;
  letter.first_failure = at(100);
  letter.last_failure = at(101);
  letter.parks_key = parks_key;
  return letter;
}

inline void expect_same(const DeadLetter& is, const DeadLetter& expected) {
  EXPECT_EQ(is.envelope, expected.envelope);
  EXPECT_EQ(is.body, expected.body);
  EXPECT_EQ(is.type, expected.type);
  EXPECT_EQ(is.subscription, expected.subscription);
  EXPECT_EQ(is.worker, expected.worker);
  EXPECT_EQ(is.failure, expected.failure);
  EXPECT_EQ(is.reason, expected.reason);
  EXPECT_EQ(is.attempts, expected.attempts);
  EXPECT_EQ(is.attempts_made, expected.attempts_made);
  EXPECT_EQ(is.first_failure, expected.first_failure);
  EXPECT_EQ(is.last_failure, expected.last_failure);
  EXPECT_EQ(is.parks_key, expected.parks_key);
}

class DeadLetterStoreConformance : public testing::TestWithParam<DeadLetterStoreMaker> {
 protected:
  void make(std::size_t letters_max = 1000, WhenFull when_full = WhenFull::refuse) {
    store_ = GetParam().make(letters_max, when_full);
  }
  DeadLetterStore& store() {
    if (!store_) make();
    return *store_;
  }
  Added add(DeadLetter letter) { return store().add(std::span{&letter, 1}).value(); }
  std::vector<DeadLetter> all(const DeadLetterFilter& filter = {}) { return store().list(filter).value(); }
  /// The numbers of the events, in the order given out.
  static std::vector<std::uint64_t> numbers(const std::vector<DeadLetter>& letters) {
    std::vector<std::uint64_t> found;
    for (const DeadLetter& letter : letters) found.push_back(letter.envelope.id.unix_ms() - 1'700'000'000'000);
    return found;
  }
  Taken take(std::size_t letters_max, EventTime now = at(1000), DeadLetterFilter filter = {}) {
    return store()
        .take({.filter = std::move(filter),
               .letters_max = letters_max,
               .now = now,
               .lease_for = std::chrono::seconds{30}})
        .value();
  }
  static std::vector<DeadLetterId> ids(const std::vector<DeadLetter>& letters) {
    std::vector<DeadLetterId> found;
    for (const DeadLetter& letter : letters) found.push_back(letter.id);
    return found;
  }
  std::size_t settle(const Taken& taken) { return store().settle(taken.lease, ids(taken.letters)).value(); }
  std::size_t release(const Taken& taken) { return store().release(taken.lease, ids(taken.letters)).value(); }
  /// The counts, after a look that they add up.
  DeadLetterCounts counts() {
    const DeadLetterCounts is = store().counts().value();
    EXPECT_EQ(is.added, is.stored + is.settled + is.discarded + is.dropped);
    EXPECT_EQ(is.stored, all().size());
    EXPECT_EQ(is.parked_keys, store().parked_keys().value().size());
    return is;
  }

 private:
  std::unique_ptr<DeadLetterStore> store_;
};

using Numbers = std::vector<std::uint64_t>;

}  // namespace headrace::test
