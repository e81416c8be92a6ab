#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/port/claim_check.hpp"
#include "settle.hpp"
#include "timed.hpp"
#include "unsteady_blob_store.hpp"

namespace headrace {
namespace {

using namespace std::chrono_literals;

struct ScanTaken {
  std::uint64_t device = 0;
  Claim scan;
};
HEADRACE_EVENT(ScanTaken, "scans.taken", key(device), device, scan)
constexpr std::string_view kTopic = "scans.taken";

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A handler that fetches the scans of all devices but the first one; tried three times.
struct Notified : testing::Test {
  std::shared_ptr<test::UnsteadyBlobStore> blobs = std::make_shared<test::UnsteadyBlobStore>();
  ClaimCheck claims{blobs, {.others = {.travels_max = 4}}};
  std::shared_ptr<MemoryDeadLetterStore> letters = std::make_shared<MemoryDeadLetterStore>();
  test::Timed timed{{.dead_letters = letters}};
  std::vector<std::string> seen;
  int calls = 0;
  Subscription sub = timed.bus.subscribe<ScanTaken>(
      {.retry = RetryPolicy::fixed(10ms, 3)}, [this](const ScanTaken& taken) -> Outcome {
        ++calls;
        if (taken.device == 1) return done();
        const auto scan = claims.resolve(kTopic, taken.scan);
        if (!scan) return outcome_of(scan.error());
        seen.emplace_back(reinterpret_cast<const char*>(scan->data()), scan->size());
        return done();
      });

  void SetUp() override { timed.bus.start(); }
  Claim publish(std::uint64_t device, std::string_view content) {
    const EventId id = EventId::make();
    const Claim claim = claims.check_in(kTopic, id, bytes_of(content)).value();
    EXPECT_TRUE(timed.bus.publish(ScanTaken{device, claim}, {.id = id}));
    return claim;
  }
};

// Claim:  a typed handler gets a notification as it came, and fetches the content when it wants it: one that does not
//         ask costs the blob store nothing. Small content is in the event.
// Method: a scan that nobody wants, a large and a small one that somebody does.
TEST_F(Notified, HandlerFetchesWhatItWants) {
  publish(1, "nobody asks");
  timed.run();
  EXPECT_EQ(blobs->asked, 0);
  publish(2, "a large scan");
  publish(2, "tiny");
  timed.run();
  EXPECT_EQ(seen, (std::vector<std::string>{"a large scan", "tiny"}));
  EXPECT_EQ(blobs->asked, 1);
  EXPECT_EQ(test::stop_drained(timed.bus), (Ledger{.published = 3, .handled = 3}));
}

// Claim:  while the blob store is away a notification is tried again by the subscription's policy; one that meets no
//         store goes to the dead letters with that reason, and is handled when it is redriven later.
// Method: a store that comes back between two tries, and one that comes back after the last one.
TEST_F(Notified, StoreAwayIsTriedAgain) {
  blobs->is_away = true;
  publish(2, "a large scan");
  timed.run();
  EXPECT_EQ(calls, 1);
  blobs->is_away = false;
  timed.advance(11ms);
  EXPECT_EQ(seen, std::vector<std::string>{"a large scan"});

  blobs->is_away = true;
  publish(3, "another one");
  for (int i = 0; i < 3; ++i) timed.advance(11ms);
  EXPECT_EQ(calls, 2 + 3);
  const auto kept = letters->list({}, 10).value();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept.front().reason, "away");
  EXPECT_EQ(kept.front().failure, FailureClass::failed);
  blobs->is_away = false;
  static_cast<void>(timed.bus.dead_letters().redrive(DeadLetterFilter{}));
  timed.run();
  EXPECT_EQ(seen, (std::vector<std::string>{"a large scan", "another one"}));
}

// Claim:  a notification whose blob is gone is given up at once, with the blob's name as the reason.
// Method: the claim is discarded before the event is handled.
TEST_F(Notified, MissingBlobIsADeadLetter) {
  const Claim claim = publish(2, "a large scan");
  ASSERT_TRUE(claims.discard(claim));
  timed.run();
  EXPECT_EQ(calls, 1);
  const auto kept = letters->list({}, 10).value();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_NE(kept.front().reason.find(claim.reference), std::string::npos) << kept.front().reason;
  EXPECT_EQ(kept.front().failure, FailureClass::rejected);
  EXPECT_EQ(kept.front().attempts_made, 1U);
}

}  // namespace
}  // namespace headrace
