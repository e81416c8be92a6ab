#include "headrace/port/claim_check.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "headrace/delivery/memory_blob_store.hpp"
#include "headrace/event/event_fields.hpp"

namespace headrace {
namespace {

EncodedEvent scan(std::size_t bytes, std::string topic = "scans.taken") {
  EncodedEvent event;
  event.envelope.topic = std::move(topic);
  event.envelope.key = "device 7";
  event.envelope.id = EventId::of(1, 2, 3);
  event.content_type = "image/png";
  event.body.resize(bytes);
  for (std::size_t i = 0; i < bytes; ++i) event.body[i] = static_cast<std::byte>(i * 7);
  return event;
}

struct Desk {
  std::shared_ptr<MemoryBlobStore> blobs = std::make_shared<MemoryBlobStore>(MemoryBlobOptions{.bytes_max = 1000});
  ClaimCheck claims{blobs,
                    {.others = {.travels_max = 100, .bytes_max = 2000},
                     .topics = {{"scans.small", {.travels_max = 10, .bytes_max = 20}}}}};
};

/// The last line of a claim.
std::string reference_of(const EncodedEvent& claim) {
  const std::string text(reinterpret_cast<const char*>(claim.body.data()), claim.body.size() - 1);
  return text.substr(text.rfind('\n') + 1);
}

// Claim:  content over its topic's limit stays behind and comes back as it was; the rest travels as it is. The
//         envelope never changes.
// Method: at each limit and one byte over, of a topic that is named and one that is not.
TEST(ClaimCheck, LargeContentStaysBehind) {
  Desk desk;
  EXPECT_EQ(desk.claims.check_in(scan(100)).value(), scan(100));
  EXPECT_EQ(desk.claims.check_in(scan(10, "scans.small")).value(), scan(10, "scans.small"));
  EXPECT_EQ(desk.blobs->stored_bytes(), 0U);
  for (const EncodedEvent& event : {scan(101), scan(11, "scans.small")}) {
    const EncodedEvent claim = desk.claims.check_in(event).value();
    EXPECT_TRUE(ClaimCheck::is_claim(claim));
    EXPECT_EQ(claim.envelope, event.envelope);
    EXPECT_LT(claim.body.size(), 160U);
    EXPECT_EQ(desk.claims.check_in(claim).value(), claim);
    EXPECT_EQ(desk.claims.check_in(event).value(), claim) << "checked in again it is the same blob";
    EXPECT_EQ(desk.claims.resolve(claim).value(), event);
    EXPECT_EQ(desk.claims.resolve(claim).value(), event);
  }
  EXPECT_EQ(desk.claims.resolve(scan(5)).value(), scan(5));
}

// Claim:  content over bytes_max is an error, on the way out and on the way in; a full blob store says that a
//         retry may help.
// Method: one byte over; a claim of a consumer with lower limits; a blob that finds no room.
TEST(ClaimCheck, TooLargeIsAnError) {
  Desk desk;
  EXPECT_NE(desk.claims.check_in(scan(21, "scans.small")).error().message().find("21 bytes"), std::string::npos);
  const EncodedEvent claim = desk.claims.check_in(scan(500)).value();
  const ClaimCheck strict{desk.blobs, {.others = {.travels_max = 1, .bytes_max = 499}}};
  EXPECT_NE(strict.resolve(claim).error().message().find("500 bytes"), std::string::npos);
  EXPECT_EQ(desk.claims.check_in(scan(501)).error().retry, Error::Retry::maybe);
  EXPECT_THROW((ClaimCheck{desk.blobs, {.others = {.travels_max = 2, .bytes_max = 1}}}), ConfigError);
}

// Claim:  a blob that is gone, or is another one, is an error that no retry helps; so is a claim with any byte
//         missing.
// Method: discard the blob; exchange it; cut the claim at each length.
TEST(ClaimCheck, DamagedClaimsAreErrors) {
  Desk desk;
  EncodedEvent claim = desk.claims.check_in(scan(200)).value();
  for (std::size_t bytes = 0; bytes < claim.body.size(); ++bytes) {
    EncodedEvent torn = claim;
    torn.body.resize(bytes);
    EXPECT_EQ(desk.claims.resolve(torn).error().retry, Error::Retry::no) << bytes;
  }
  const std::string other = desk.blobs->put({}, scan(200).body).value();
  EXPECT_EQ(other, "memory:1");
  EncodedEvent changed = scan(200);
  changed.body[7] = std::byte{1};
  ASSERT_EQ(desk.blobs->put({}, changed.body).value(), "memory:2");
  ASSERT_EQ(desk.blobs->put({}, scan(201).body).value(), "memory:3");
  const auto exchanged = [&](std::string_view reference) {
    const std::string own = reference_of(claim);
    EncodedEvent other_claim = claim;
    other_claim.body.resize(claim.body.size() - own.size() - 1);
    for (const char c : std::string(reference) + '\n') other_claim.body.push_back(static_cast<std::byte>(c));
    return desk.claims.resolve(other_claim).error().message();
  };
  EXPECT_NE(exchanged("memory:2").find("not what was checked in"), std::string::npos);
  EXPECT_NE(exchanged("memory:3").find("at most 200 are wanted"), std::string::npos);
  EXPECT_TRUE(desk.claims.discard(claim));
  EXPECT_TRUE(desk.claims.discard(claim));
  EXPECT_EQ(desk.claims.resolve(claim).error().retry, Error::Retry::no);
  EXPECT_TRUE(desk.claims.discard(scan(5)));
}

// Claim:  what only calls itself a claim does not pass the limits: neither a large body, nor a claim to content that is
//         larger than the topic's may be.
// Method: both, and a sound claim.
TEST(ClaimCheck, UnsoundClaimsDoNotPass) {
  Desk desk;
  EncodedEvent large = scan(5000);
  large.content_type = ClaimCheck::kContentType;
  EXPECT_FALSE(desk.claims.check_in(large));
  const EncodedEvent claim = desk.claims.check_in(scan(500)).value();
  EXPECT_TRUE(desk.claims.check_in(claim));
  const ClaimCheck strict{desk.blobs, {.others = {.travels_max = 1, .bytes_max = 499}}};
  EXPECT_NE(strict.check_in(claim).error().message().find("500 bytes"), std::string::npos);
}

// Claim:  a member that may be large travels in its claim up to the topic's limit, and stays behind over it; as fields
//         and back it is the same claim, and both give the content.
// Method: at the limit and one byte over, of a topic that is named and one that is not; nothing at all.
TEST(ClaimCheck, MembersStayBehindWhenTheyAreLarge) {
  Desk desk;
  const EventId id = EventId::of(1, 2, 3);
  for (const auto& [topic, limit] : {std::pair{"scans.taken", 100}, std::pair{"scans.small", 10}}) {
    for (const int bytes : {0, limit, limit + 1}) {
      const auto content = scan(static_cast<std::size_t>(bytes)).body;
      const Claim claim = desk.claims.check_in(topic, id, content).value();
      EXPECT_EQ(claim.reference.empty(), bytes <= limit) << topic << " " << bytes;
      EXPECT_EQ(claim.inside.empty(), bytes == 0 || bytes > limit) << topic << " " << bytes;
      EXPECT_EQ(desk.claims.check_in(topic, id, content).value(), claim) << "checked in again it is the same blob";
      const Claim read = from_fields<Claim>(to_fields(claim)).value();
      EXPECT_EQ(read, claim);
      EXPECT_EQ(desk.claims.resolve(topic, read).value(), content);
    }
  }
}

// Claim:  a member's content over bytes_max is an error on both sides, and so is content that is not what was checked
//         in; what is removed is gone, of small content nothing.
// Method: one byte over; a consumer with a lower limit; a changed sum, another blob, changed content inside; discard.
TEST(ClaimCheck, UnsoundMembersAreErrors) {
  Desk desk;
  const auto check_in = [&](std::size_t bytes) {
    return desk.claims.check_in("scans.taken", EventId::of(1, 2, 3), scan(bytes).body);
  };
  const auto message = [&](const Claim& claim) {
    return desk.claims.resolve("scans.taken", claim).error().message();
  };
  EXPECT_NE(check_in(2001).error().message().find("2001 bytes"), std::string::npos);
  EXPECT_EQ(check_in(1500).error().retry, Error::Retry::maybe) << "the blob store is full";
  const Claim large = check_in(500).value();
  const Claim small = check_in(50).value();
  EXPECT_NE(desk.claims.resolve("scans.small", large).error().message().find("500 bytes"), std::string::npos);
  Claim wrong = large;
  wrong.sum ^= 1;
  EXPECT_NE(message(wrong).find("not what was checked in"), std::string::npos);
  wrong = small;
  wrong.inside.back() ^= std::byte{1};
  EXPECT_NE(message(wrong).find("the content of a claim is not"), std::string::npos);
  wrong = small;
  wrong.inside.push_back({});
  EXPECT_NE(message(wrong).find("the content of a claim is not"), std::string::npos);
  EXPECT_TRUE(desk.claims.discard(small));
  EXPECT_TRUE(desk.claims.discard(large));
  EXPECT_EQ(desk.blobs->stored_bytes(), 0U);
  EXPECT_EQ(desk.claims.resolve("scans.taken", large).error().retry, Error::Retry::no);
  EXPECT_EQ(desk.claims.resolve("scans.taken", small).value(), scan(50).body);
}

}  // namespace
}  // namespace headrace
