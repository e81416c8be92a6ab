#include "held_messages.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headrace::mqtt {
namespace {

using Added = HeldMessages::Added;

/// Of QoS 0 without an id, else of 1.
IncomingPublish held_publish(std::uint16_t id, std::size_t bytes) {
  IncomingPublish publish;
  publish.id = id;
  publish.qos = id == 0 ? 0 : 1;
  publish.message.topic = "a";
  publish.message.body.resize(bytes);
  return publish;
}

std::vector<std::uint16_t> released(HeldMessages& held) {
  std::vector<std::uint16_t> ids;
  held.release([&](const IncomingPublish& publish) { ids.push_back(publish.id); });
  return ids;
}

IncomingPublish held_once(std::uint16_t id, bool dup = false) {
  IncomingPublish publish = held_publish(id, 0);
  publish.qos = 2;
  publish.dup = publish.redelivered = dup;
  return publish;
}

// Claim:  messages of QoS 0 that nobody takes are bounded by bytes and by number, and what has its outcome makes room,
//         also behind one that has none; messages of QoS 1 are never dropped, since the broker waits for them.
// Method: limits of ten messages and a thousand bytes of bodies, reached each by itself.
TEST(MqttHeldMessages, AreBoundedByBytesAndNumber) {
  const std::size_t empty = message_bytes(held_publish(0, 0).message);
  HeldMessages by_bytes({10, 2 * empty + 1000});
  EXPECT_EQ(by_bytes.add(held_publish(1, 100'000)), Added::taken);
  EXPECT_EQ(by_bytes.add(held_publish(0, 500)), Added::taken);
  EXPECT_EQ(by_bytes.add(held_publish(0, 500)), Added::taken);
  EXPECT_EQ(by_bytes.add(held_publish(0, 0)), Added::dropped);
  EXPECT_EQ(by_bytes.add(held_publish(2, 100'000)), Added::taken);
  for (std::uint64_t tag = 0; tag < 4; ++tag) EXPECT_EQ(by_bytes.take_next(), tag);
  by_bytes.settle(1);
  EXPECT_EQ(released(by_bytes), (std::vector<std::uint16_t>{}));
  EXPECT_EQ(by_bytes.add(held_publish(0, 500)), Added::taken);
  by_bytes.settle(2);
  by_bytes.settle(0);
  by_bytes.settle(3);
  EXPECT_EQ(released(by_bytes), (std::vector<std::uint16_t>{1, 2}));
  EXPECT_EQ(by_bytes.bytes(), empty + 500);

  HeldMessages by_number({2, 1'000'000});
  EXPECT_EQ(by_number.add(held_publish(0, 0)), Added::taken);
  EXPECT_EQ(by_number.add(held_publish(0, 0)), Added::taken);
  EXPECT_EQ(by_number.add(held_publish(0, 0)), Added::dropped);
  EXPECT_EQ(by_number.add(held_publish(1, 0)), Added::taken);
}

// Claim:  a message that nobody is to see is acknowledged in its turn, and not handed over; with QoS 2 its copy is known.
// Method: one of each QoS between two that are seen.
TEST(MqttHeldMessages, MessageThatNobodySeesIsAcknowledgedInItsTurn) {
  HeldMessages held({});
  ASSERT_EQ(held.add(held_publish(1, 0)), Added::taken);
  ASSERT_EQ(held.add_settled(held_publish(2, 0)), Added::taken);
  ASSERT_EQ(held.add_settled(held_once(3)), Added::taken);
  ASSERT_EQ(held.add_settled(held_publish(0, 0)), Added::taken);
  ASSERT_EQ(held.add(held_publish(4, 0)), Added::taken);
  const std::uint64_t first = held.take_next();
  EXPECT_EQ(held.deliver(first).first.id, 1U);
  const std::uint64_t last = held.take_next();
  EXPECT_EQ(held.deliver(last).first.id, 4U);
  EXPECT_FALSE(held.has_next());
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{}));
  EXPECT_EQ(held.add_settled(held_once(3, true)), Added::known);
  held.settle(first);
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{1, 2, 3}));
  EXPECT_EQ(held.add_settled(held_once(3, true)), Added::settled);
  held.settle(last);
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{4}));
  EXPECT_EQ(held.bytes(), 0U);
}

// Claim:  retried messages come before new ones, and each knows how often it was handed over.
// Method: two messages, the second of which is retried.
TEST(MqttHeldMessages, RetriedOnesComeFirst) {
  HeldMessages held({});
  ASSERT_EQ(held.add(held_publish(1, 0)), Added::taken);
  ASSERT_EQ(held.add(held_publish(2, 0)), Added::taken);
  EXPECT_EQ(held.deliver(held.take_next()).second, 1U);
  const std::uint64_t second = held.take_next();
  EXPECT_EQ(held.deliver(second).second, 1U);
  EXPECT_FALSE(held.has_next());
  ASSERT_EQ(held.add(held_publish(3, 0)), Added::taken);
  held.retry(second);
  EXPECT_EQ(held.take_next(), second);
  EXPECT_EQ(held.deliver(second).second, 2U);
  EXPECT_EQ(held.deliver(held.take_next()).first.id, 3U);
}

// Claim:  over a broken connection a message of QoS 2 stays what it was: out, waiting, or settled; its copy is not another
//         message, and its outcome is told when the copy has come.
// Method: three of QoS 2, one of QoS 1 among them: one settled and told, one settled behind one that is out.
TEST(MqttHeldMessages, ExactlyOnceOverConnections) {
  HeldMessages held({});
  ASSERT_EQ(held.add(held_once(1)), Added::taken);
  ASSERT_EQ(held.add(held_once(2)), Added::taken);
  ASSERT_EQ(held.add(held_publish(3, 0)), Added::taken);
  ASSERT_EQ(held.add(held_once(4)), Added::taken);
  for (std::uint64_t tag = 0; tag < 4; ++tag) (void)held.deliver(held.take_next());
  held.settle(0);
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{1}));
  held.settle(3);
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{}));
  held.keep_session();
  held.settle(1);  // before the copy: nothing is told yet
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{}));
  EXPECT_EQ(held.add(held_once(1, true)), Added::settled);
  EXPECT_EQ(held.add(held_once(2, true)), Added::settled);
  EXPECT_EQ(held.add(held_publish(3, 0)), Added::taken);
  EXPECT_EQ(held.add(held_once(4, true)), Added::known);
  held.settle(2);  // the copy of QoS 1 that was out counts for nothing
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{4}));
  ASSERT_TRUE(held.has_next());
  held.settle(held.take_next());
  EXPECT_FALSE(held.has_next());
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{3}));
  held.forget(1);
  EXPECT_EQ(held.add(held_once(1)), Added::taken);
}

// Claim:  what comes under an id behind its release is another message, and marked if the broker calls it a copy: of one
//         that was lost on its way, or of the one that was released, which MQTT forbids and mosquitto does.
// Method: an id is released, and comes again over another connection, called a copy.
TEST(MqttHeldMessages, CopyBehindItsReleaseIsAnotherMessage) {
  HeldMessages held({});
  ASSERT_EQ(held.add(held_once(1)), Added::taken);
  held.settle(held.take_next());
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{1}));
  held.forget(1);
  held.keep_session();
  EXPECT_EQ(held.add(held_once(1, true)), Added::taken);
  ASSERT_TRUE(held.has_next());
  EXPECT_TRUE(held.deliver(held.take_next()).first.redelivered);
}

// Claim:  an id that the broker gives to another message before it released it is another message, also while the first
//         is out; with the session all ids are forgotten.
// Method: an id that is settled, and one that is out, come again without being called copies.
TEST(MqttHeldMessages, ReusedIdIsAnotherMessage) {
  HeldMessages held({});
  ASSERT_EQ(held.add(held_once(1)), Added::taken);
  ASSERT_EQ(held.add(held_once(2)), Added::taken);
  (void)held.deliver(held.take_next());
  (void)held.deliver(held.take_next());
  held.settle(0);
  EXPECT_EQ(released(held), (std::vector<std::uint16_t>{1}));
  EXPECT_EQ(held.add(held_once(1)), Added::taken);
  EXPECT_EQ(held.add(held_once(2)), Added::taken);
  held.retry(1);  // the first of the id 2: the broker knows it no more
  EXPECT_EQ(held.take_next(), 2U);
  EXPECT_EQ(held.take_next(), 3U);
  EXPECT_FALSE(held.has_next());
  held.forget_session();
  EXPECT_EQ(held.add(held_once(2, true)), Added::taken);
  EXPECT_EQ(held.take_next(), 4U);
}

}  // namespace
}  // namespace headrace::mqtt
