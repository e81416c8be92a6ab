#include "held_messages.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headrace::mqtt {
namespace {

IncomingPublish held_publish(std::uint16_t id, std::size_t bytes) {
  IncomingPublish publish;
  publish.id = id;
  publish.message.topic = "a";
  publish.message.body.resize(bytes);
  return publish;
}

std::vector<std::uint16_t> released(HeldMessages& held) {
  std::vector<std::uint16_t> ids;
  held.release([&](std::uint16_t id) { ids.push_back(id); });
  return ids;
}

// Claim:  messages of QoS 0 that nobody takes are bounded by bytes and by number, and what has its outcome makes room,
//         also behind one that has none; messages of QoS 1 are never dropped, since the broker waits for them.
// Method: limits of ten messages and a thousand bytes of bodies, reached each by itself.
TEST(MqttHeldMessages, AreBoundedByBytesAndNumber) {
  const std::size_t empty = message_bytes(held_publish(0, 0).message);
  HeldMessages by_bytes({10, 2 * empty + 1000});
  EXPECT_TRUE(by_bytes.add(held_publish(1, 100'000)));
  EXPECT_TRUE(by_bytes.add(held_publish(0, 500)));
  EXPECT_TRUE(by_bytes.add(held_publish(0, 500)));
  EXPECT_FALSE(by_bytes.add(held_publish(0, 0)));
  EXPECT_TRUE(by_bytes.add(held_publish(2, 100'000)));
  for (std::uint64_t tag = 0; tag < 4; ++tag) EXPECT_EQ(by_bytes.take_next(), tag);
  by_bytes.settle(1);
  EXPECT_EQ(released(by_bytes), (std::vector<std::uint16_t>{}));
  EXPECT_TRUE(by_bytes.add(held_publish(0, 500)));
  by_bytes.settle(2);
  by_bytes.settle(0);
  by_bytes.settle(3);
  EXPECT_EQ(released(by_bytes), (std::vector<std::uint16_t>{1, 2}));
  EXPECT_EQ(by_bytes.bytes(), empty + 500);

  HeldMessages by_number({2, 1'000'000});
  EXPECT_TRUE(by_number.add(held_publish(0, 0)));
  EXPECT_TRUE(by_number.add(held_publish(0, 0)));
  EXPECT_FALSE(by_number.add(held_publish(0, 0)));
  EXPECT_TRUE(by_number.add(held_publish(1, 0)));
}

// Claim:  retried messages come before new ones, and each knows how often it was handed over.
// Method: two messages, the second of which is retried.
TEST(MqttHeldMessages, RetriedOnesComeFirst) {
  HeldMessages held({});
  ASSERT_TRUE(held.add(held_publish(1, 0)));
  ASSERT_TRUE(held.add(held_publish(2, 0)));
  EXPECT_EQ(held.deliver(held.take_next()).second, 1U);
  const std::uint64_t second = held.take_next();
  EXPECT_EQ(held.deliver(second).second, 1U);
  EXPECT_FALSE(held.has_next());
  ASSERT_TRUE(held.add(held_publish(3, 0)));
  held.retry(second);
  EXPECT_EQ(held.take_next(), second);
  EXPECT_EQ(held.deliver(second).second, 2U);
  EXPECT_EQ(held.deliver(held.take_next()).first.id, 3U);
}

}  // namespace
}  // namespace headrace::mqtt
