#include "headrace/event/event_meta.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace headrace {
namespace {

struct Reading {
  std::uint32_t device;
  double celsius;
};
HEADRACE_EVENT(Reading, "meta.reading", version(3), key(device), device, celsius)

struct alignas(64) WideMeta {
  char bytes[64];
};

// Claim:  an event with meta has the topic, version, key and payload of the event inside.
// Method: compare with those of the bare event; offsets by the compiler.
TEST(EventMeta, LooksLikeTheEventInside) {
  using Carried = WithMeta<Reading>;
  EXPECT_EQ(event_topic<Carried>(), "meta.reading");
  EXPECT_EQ(event_version<Carried>(), 3U);
  const Carried carried{{}, {7, 21.5}};
  EXPECT_EQ(event_key_hash(carried), event_key_hash(carried.event));
  const EventOps& ops = event_ops<Carried>();
  EXPECT_EQ(ops.payload, &event_ops<Reading>());
  EXPECT_EQ(ops.payload_offset, offsetof(Carried, event));
  EXPECT_TRUE(ops.trivially_copyable);
  EXPECT_NE(ops.type, ops.payload->type);
  EXPECT_EQ(event_ops<Reading>().payload, &event_ops<Reading>());
  EXPECT_EQ(event_ops<Reading>().payload_offset, 0U);
  EXPECT_EQ(event_ops<Reading>().version, 3U);
  EXPECT_EQ(WithMeta<WideMeta>::kPayloadOffset, offsetof(WithMeta<WideMeta>, event));
  EXPECT_FALSE(event_ops<WithMeta<std::string>>().trivially_copyable);
}

}  // namespace
}  // namespace headrace
