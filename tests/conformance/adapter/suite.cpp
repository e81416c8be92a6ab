#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "collector.hpp"
#include "gate.hpp"
#include "rig.hpp"
#include "sanitizer.hpp"

namespace headrace::test {
namespace {

#if HEADRACE_TEST_ASAN || HEADRACE_TEST_TSAN
constexpr std::size_t kMany = 10'000;
#else
constexpr std::size_t kMany = 100'000;
#endif
constexpr std::chrono::milliseconds kLong = std::chrono::hours(1);

struct AdapterConformance : testing::Test {
  std::unique_ptr<Rig> rig = make_rig();
  Collector got;
  Confirms confirms;

  void SetUp() override {
    if (rig == nullptr) GTEST_SKIP() << why_no_rig();
  }
  std::unique_ptr<Source> started(Source::Deliver deliver, std::size_t unsettled_max = 1000) {
    auto source = rig->source(unsettled_max);
    const Status status = source->start(std::move(deliver));
    EXPECT_TRUE(status) << status.error().message();
    // Some brokers keep messages only for consumers that they know.
    yield_until([&] { return source->health().state == AdapterState::up; });
    return source;
  }
  std::unique_ptr<Sink> started_sink(std::size_t buffer_messages_max = 1000) {
    auto sink = rig->sink(buffer_messages_max);
    const Status status = sink->start();
    EXPECT_TRUE(status) << status.error().message();
    return sink;
  }
  void send(Sink& sink, Message message) {
    while (true) {
      const SendResult result = sink.send(std::move(message), confirms.one());
      if (result == SendResult::taken) return;
      ASSERT_EQ(result, SendResult::full);
      ASSERT_TRUE(sink.wait_for_room(kLong));
    }
  }
  void send_numbers(Sink& sink, std::size_t from, std::size_t to) {
    for (; from < to; ++from) send(sink, message_of(rig->topic(), std::to_string(from)));
  }
};

// Claim:  a message arrives as it was sent: topic, headers, content type and every byte; empty and large bodies
//         too.
// Method: bodies of nothing, all bytes and as much as is allowed, up to a megabyte; what the broker cannot carry
//         is left out of the comparison.
TEST_F(AdapterConformance, WhatIsSentArrives) {
  const auto source = started(got.settle(Settlement::done));
  const auto sink = started_sink();
  const Capabilities can = sink->capabilities();
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes += static_cast<char>(i);
  const std::vector<std::string> bodies{
      "plain", all_bytes, std::string(std::min(can.body_bytes_max, std::size_t{1} << 20), '\xfe'), ""};
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    Message message = message_of(rig->topic(), bodies[i]);
    if (can.content_type) message.content_type = "application/x-test; v=1";
    if (can.headers) message.headers = {{"ce-id", "1"}, {"other", "Zürich = 1"}};
    const Message expected = message;
    send(*sink, std::move(message));
    got.await(1);
    const auto all = got.take();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all.front().message.topic, expected.topic);
    EXPECT_EQ(all.front().message.content_type, expected.content_type);
    EXPECT_EQ(all.front().message.headers, expected.headers);
    EXPECT_TRUE(all.front().message.body == expected.body) << "body " << i;
  }
  confirms.await(bodies.size());
  EXPECT_EQ(confirms.failed(), 0U);
}

// Claim:  nothing is lost or doubled while nothing breaks, and one key's messages keep their order.
// Method: 10^5 numbered messages of ten keys (10^4 under a sanitizer, or what the rig can bear), settled as they
//         come.
TEST_F(AdapterConformance, ManyMessagesArriveOnceAndInOrder) {
  const auto source = started(got.settle(Settlement::done));
  const auto sink = started_sink(5000);
  const std::size_t many = std::min(kMany, rig->many_max());
  for (std::size_t i = 0; i < many; ++i) {
    send(*sink, message_of(rig->topic(), std::to_string(i), "k" + std::to_string(i % 10)));
  }
  EXPECT_EQ(sink->stop(kLong), 0U);
  EXPECT_EQ(confirms.confirmed(), many);
  got.await_different(many);
  const auto all = got.take();
  EXPECT_EQ(all.size(), many);
  if (!source->capabilities().order_by_key) return;
  std::map<std::size_t, std::size_t> next;
  for (const ReceivedMessage& delivery : all) {
    const std::size_t number = std::stoul(body_text(delivery.message));
    const auto at = next.try_emplace(number % 10, number % 10).first;
    ASSERT_EQ(number, at->second);
    at->second += 10;
  }
}

// Claim:  what a source leaves unsettled, the next one gets, marked where the broker can; what was settled it does
//         not.
// Method: ten messages, the first five settled, as many of the others held as the adapter can; another source.
TEST_F(AdapterConformance, UnsettledMessagesComeAgain) {
  Collector again;  // outlives the source, whose thread may still be in it after the last message was seen
  auto source = started([&, keep = got.keep()](ReceivedMessage&& delivery) {
    if (std::stoul(body_text(delivery.message)) < 5) delivery.settle(Settlement::done);
    keep(std::move(delivery));
  });
  const std::size_t held = std::min<std::size_t>(5, source->capabilities().unsettled_max);
  const auto sink = started_sink();
  send_numbers(*sink, 0, 10);
  got.await(5 + held);
  EXPECT_EQ(source->stop(std::chrono::milliseconds(0)), held);
  source.reset();
  for (ReceivedMessage& late : got.take()) late.settle(Settlement::done);  // too late: nobody is there

  source = started(again.settle(Settlement::done));
  again.await_different(5);
  EXPECT_EQ(again.bodies(), (std::set<std::string>{"5", "6", "7", "8", "9"}));
  if (source->capabilities().redelivery_flag) {
    const auto all = again.take();
    // Some brokers had sent more than the source could hand over.
    EXPECT_GE(std::ranges::count(all, true, &ReceivedMessage::redelivered), static_cast<std::ptrdiff_t>(held));
  }
}

// Claim:  retry brings a message again, done does not.
// Method: two messages; the first is retried three times.
TEST_F(AdapterConformance, RetriedMessageComesAgain) {
  auto source = rig->source(100);
  if (!source->capabilities().retry) GTEST_SKIP() << source->capabilities().name << " has no retry";
  source = started(got.keep());
  const auto sink = started_sink();
  send(*sink, message_of(rig->topic(), "again"));
  for (int i = 0; i < 3; ++i) {
    got.await(1);
    auto all = got.take();
    ASSERT_EQ(body_text(all[0].message), "again");
    all[0].settle(Settlement::retry);
  }
  got.await(1);
  got.take()[0].settle(Settlement::done);
  send(*sink, message_of(rig->topic(), "after"));
  got.await(1);
  EXPECT_EQ(body_text(got.take()[0].message), "after");
}

// Claim:  a rejected message is kept by the broker as a dead letter and does not come again.
// Method: one is rejected between two that are done.
TEST_F(AdapterConformance, RejectedMessageBecomesADeadLetter) {
  auto source = rig->source(100);
  if (!source->capabilities().dead_letters) GTEST_SKIP() << source->capabilities().name << " has no dead letters";
  source = started([&, keep = got.keep()](ReceivedMessage&& delivery) {
    delivery.settle(body_text(delivery.message) == "1" ? Settlement::reject : Settlement::done);
    keep(std::move(delivery));
  });
  const auto sink = started_sink();
  send_numbers(*sink, 0, 3);
  got.await(3);
  EXPECT_EQ(source->stop(kLong), 0U);
  yield_until([&] { return rig->dead_letters() > 0; });
  EXPECT_EQ(rig->dead_letters(), 1U);
}

// Claim:  no more messages are out than unsettled_max, and a paused source goes on where it stopped.
// Method: fifty messages at five unsettled, settled one by one from another thread; the most that were out is
//         counted.
TEST_F(AdapterConformance, BackpressureHolds) {
  std::atomic<int> out{0};
  std::atomic<int> most{0};
  const auto source = started(
      [&, keep = got.keep()](ReceivedMessage&& delivery) {
        most = std::max(most.load(), ++out);
        keep(std::move(delivery));
      },
      5);
  source->pause();
  const auto sink = started_sink();
  send_numbers(*sink, 0, 50);
  source->resume();
  std::size_t settled = 0;
  while (settled < 50) {
    got.await(1);
    for (ReceivedMessage& delivery : got.take()) {
      --out;
      delivery.settle(Settlement::done);
      ++settled;
    }
  }
  EXPECT_LE(most.load(), 5);
  EXPECT_EQ(got.bodies().size(), 50U);
}

// Claim:  a broker that goes away and comes back costs nothing but time: what was sent before, meanwhile and after
//         arrives, and everything is confirmed.
// Method: the broker is stopped and started between three lots; where it is durable, by kill -9.
TEST_F(AdapterConformance, BrokerRestartLosesNothing) {
  const auto source = started(got.settle(Settlement::done));
  const auto sink = started_sink();
  send_numbers(*sink, 0, 100);
  confirms.await(100);
  rig->stop_broker(sink->capabilities().durable ? Rig::Stop::kill : Rig::Stop::clean);
  yield_until([&] { return source->health().state != AdapterState::up; });
  send_numbers(*sink, 100, 200);
  rig->start_broker();
  send_numbers(*sink, 200, 300);
  got.await_different(300);
  EXPECT_EQ(sink->stop(kLong), 0U);
  EXPECT_EQ(confirms.confirmed(), 300U);
  EXPECT_GE(source->health().connections, 2U);
}

// Claim:  while the broker is down the sink takes what its buffer holds and says full; then it sends all of it.
// Method: a buffer of ten.
TEST_F(AdapterConformance, SinkIsBoundedWhileTheBrokerIsDown) {
  {
    const auto known = started(got.settle(Settlement::done));  // the broker knows the consumer from here on
  }
  rig->stop_broker(Rig::Stop::clean);
  const auto sink = started_sink(10);
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(sink->send(message_of(rig->topic(), std::to_string(i)), confirms.one()), SendResult::taken);
  }
  Message more = message_of(rig->topic(), "more");
  EXPECT_EQ(sink->send(std::move(more), confirms.one()), SendResult::full);
  EXPECT_EQ(body_text(more), "more");
  EXPECT_FALSE(sink->wait_for_room(std::chrono::milliseconds(1)));
  rig->start_broker();
  confirms.await(10);
  EXPECT_EQ(confirms.failed(), 0U);
  const auto source = started(got.settle(Settlement::done));
  got.await_different(10);
}

// Claim:  stop() waits for what is out, and afterwards nothing is taken or delivered; what could not be sent is
//         answered with an error.
// Method: a handler in the middle of its work; a sink without a broker.
TEST_F(AdapterConformance, ShutdownIsClean) {
  auto source = started(got.keep());
  auto sink = started_sink();
  const std::size_t held = std::min<std::size_t>(3, source->capabilities().unsettled_max);
  send_numbers(*sink, 0, held);
  got.await(held);
  EXPECT_EQ(sink->stop(kLong), 0U);
  EXPECT_EQ(sink->send(message_of(rig->topic(), "late"), confirms.one()), SendResult::closed);
  std::thread handler([&] {
    for (ReceivedMessage& delivery : got.take()) delivery.settle(Settlement::done);
  });
  EXPECT_EQ(source->stop(kLong), 0U);
  handler.join();
  EXPECT_EQ(source->health().state, AdapterState::idle);

  rig->stop_broker(Rig::Stop::clean);
  sink = started_sink();
  send_numbers(*sink, 0, 2);
  EXPECT_EQ(sink->stop(std::chrono::milliseconds(1)), 2U);
  EXPECT_EQ(confirms.failed(), 2U);
}

}  // namespace
}  // namespace headrace::test
