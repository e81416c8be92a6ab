#include "servicebus_world.hpp"

#include "headrace/servicebus/message_headers.hpp"

namespace headrace::servicebus {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;
using test::Collector;
using test::message_of;
using test::ServiceBusEmulator;
using ServiceBus = test::ServiceBusTest;

// Claim:  while a message's outcome is not known its lock is renewed, so that it is done once.
// Method: a lock of four seconds; the handler answers after the emulator has renewed it.
TEST_F(ServiceBus, LockIsRenewedWhileAHandlerRuns) {
  const ServiceBusEmulator emulator(R"("queues": {"slow": {"lockMs": 4000}})");
  Collector got;
  const auto source =
      test::servicebus_source(test::servicebus_from(emulator.connection_string(), "slow"), got.keep());
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "slow"));
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "slow")));
  got.await(1);
  test::await_said(emulator, "renew-lock", 1);
  got.take()[0].settle(Settlement::done);
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "after")));
  got.await(1);
  EXPECT_EQ(test::body_text(got.take()[0].message), "after");
  EXPECT_EQ(source->stop(milliseconds(0)), 0U);
  EXPECT_EQ(source->locks_lost(), 0U);
}

// Claim:  an outcome that comes after the lock has run out is refused, counted, and the message done by its later
//         delivery.
// Method: a lock of a third of a second, not renewed; the first delivery is answered after the second.
TEST_F(ServiceBus, LostLockIsSeen) {
  const ServiceBusEmulator emulator(R"("queues": {"q": {"lockMs": 300, "deliveriesMax": 1000}})");
  Collector got;
  ServiceBusSourceOptions options = test::servicebus_from(emulator.connection_string(), "q");
  options.lock_renewal = std::chrono::seconds(0);
  const auto source =
      test::servicebus_source(std::move(options), [&, keep = got.keep()](ReceivedMessage&& delivery) {
        if (delivery.redelivered) delivery.settle(Settlement::done);
        keep(std::move(delivery));
      });
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "q"));
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "x")));
  got.await(2);
  auto all = got.take();
  EXPECT_EQ(all[0].attempt, 1U);
  EXPECT_GE(all[1].attempt, 2U);
  EXPECT_EQ(source->locks_lost(), 0U);
  all[0].settle(Settlement::done);
  test::yield_until([&] { return source->locks_lost() > 0; });
}

// Claim:  a scheduled message comes when it is due and not before.
// Method: one for an hour from now, one for half a second, one at once; the order and the clock.
TEST_F(ServiceBus, ScheduledMessageComesWhenItIsDue) {
  const ServiceBusEmulator emulator;
  Collector got;
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "orders"),
                                              got.settle(Settlement::done));
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "orders"));
  const auto now = system_clock::now();
  Message never = message_of("t", "never");
  schedule(never, now + std::chrono::hours(1));
  Message soon = message_of("t", "soon");
  schedule(soon, now + milliseconds(500));
  ASSERT_TRUE(test::send_and_wait(*sink, std::move(never)));
  ASSERT_TRUE(test::send_and_wait(*sink, std::move(soon)));
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "at once")));
  got.await_different(2);
  EXPECT_GE(system_clock::now(), now + milliseconds(499));  // the message says whole milliseconds
  EXPECT_EQ(got.bodies(), (std::set<std::string>{"at once", "soon"}));
  Message wrong = message_of("t", "wrong");
  wrong.headers.emplace_back(kEnqueueTimeHeader, "tomorrow");
  EXPECT_FALSE(test::send_and_wait(*sink, std::move(wrong)));
}

// Claim:  a topic's message reaches each subscription, and subscriptions are read by their path.
// Method: two subscriptions, a source of each.
TEST_F(ServiceBus, TopicReachesItsSubscriptions) {
  const ServiceBusEmulator emulator(R"("topics": {"events": {"billing": {}, "stats": {}}})");
  Collector billing;
  Collector stats;
  const auto one =
      test::servicebus_source(test::servicebus_from(emulator.connection_string(), "events/Subscriptions/billing"),
                              billing.settle(Settlement::done));
  const auto two =
      test::servicebus_source(test::servicebus_from(emulator.connection_string(), "events/Subscriptions/stats"),
                              stats.settle(Settlement::done));
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "events"));
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("orders.placed", "x")));
  billing.await(1);
  stats.await(1);
  EXPECT_EQ(billing.take()[0].message.topic, "orders.placed");
}

// Claim:  a message that is retried again and again is buried by the broker when it has had enough, with its count.
// Method: at most three deliveries; the source of the dead letters.
TEST_F(ServiceBus, BrokerBuriesWhatIsRetriedTooOften) {
  const ServiceBusEmulator emulator(R"("queues": {"q": {"deliveriesMax": 3}})");
  Collector got;
  Collector dead;
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "q"),
                                              got.settle(Settlement::retry));
  ServiceBusSourceOptions of_dead = test::servicebus_from(emulator.connection_string(), "q");
  of_dead.sub_queue = SubQueue::dead_letters;
  const auto graves = test::servicebus_source(std::move(of_dead), dead.settle(Settlement::done));
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "q"));
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "x")));
  dead.await(1);
  const auto all = got.take();
  ASSERT_EQ(all.size(), 3U);
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(all[i].attempt, i + 1);
  const auto grave = dead.take();
  EXPECT_EQ(grave[0].message.headers,
            (decltype(Message::headers){{"DeadLetterReason", "MaxDeliveryCountExceeded"}}));
}

// Claim:  the reason of a rejection stands with the dead letter, and bytes that are no text do no harm.
// Method: one with a text, one with other bytes, one without; the source of the dead letters.
TEST_F(ServiceBus, ReasonOfARejectionStandsWithTheDeadLetter) {
  const ServiceBusEmulator emulator(R"("queues": {"q": {}})");
  Collector dead;
  const auto source = test::servicebus_source(
      test::servicebus_from(emulator.connection_string(), "q"), [](ReceivedMessage&& received) {
        const std::string body = test::body_text(received.message);
        body.empty() ? received.settle(Settlement::reject) : received.settle.reject(body);
      });
  ServiceBusSourceOptions of_dead = test::servicebus_from(emulator.connection_string(), "q");
  of_dead.sub_queue = SubQueue::dead_letters;
  const auto graves = test::servicebus_source(std::move(of_dead), dead.settle(Settlement::done));
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "q"));
  for (const char* body : {"no such customer", "bad \xff byte", ""}) {
    ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", body)));
  }
  dead.await(3);
  const auto all = dead.take();
  using Headers = decltype(Message::headers);
  const std::pair<std::string, std::string> rejected{"DeadLetterReason", "rejected"};
  EXPECT_EQ(all[0].message.headers, (Headers{rejected, {"DeadLetterErrorDescription", "no such customer"}}));
  EXPECT_EQ(all[1].message.headers, (Headers{rejected, {"DeadLetterErrorDescription", "bad ? byte"}}));
  EXPECT_EQ(all[2].message.headers, (Headers{rejected}));
}

// Claim:  an entity with duplicate detection keeps one of two messages with the same id.
// Method: the id as a header; a third message with another.
TEST_F(ServiceBus, DuplicateIsDropped) {
  const ServiceBusEmulator emulator(R"("queues": {"once": {"duplicatesMs": 600000}})");
  Collector got;
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "once"));
  for (const char* id : {"1", "1", "2"}) {
    Message message = message_of("t", id);
    message.headers.emplace_back(kMessageIdHeader, id);
    ASSERT_TRUE(test::send_and_wait(*sink, std::move(message)));
  }
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "once"),
                                              got.settle(Settlement::done));
  got.await_different(2);
  EXPECT_EQ(got.kept(), 2U);
}

// Claim:  a token is put again before it ends, on the same connection.
// Method: tokens that live for two seconds; the emulator's log.
TEST_F(ServiceBus, TokenIsRenewedOnTheSameConnection) {
  const ServiceBusEmulator emulator;
  ServiceBusSinkOptions options = test::servicebus_to(emulator.connection_string(), "orders");
  options.server.token_life = std::chrono::seconds(2);
  const auto sink = test::servicebus_sink(std::move(options));
  test::await_said(emulator, "token connection=1 name=sb://127.0.0.1/orders status=202", 2);
  EXPECT_TRUE(test::send_and_wait(*sink, message_of("t", "x")));
}

// Claim:  SASL PLAIN logs in without a token, and a wrong key does not.
// Method: both, against an emulator that has been told the key.
TEST_F(ServiceBus, PlainLoginNeedsNoToken) {
  const ServiceBusEmulator emulator;
  ServiceBusSinkOptions options = test::servicebus_to(emulator.connection_string(), "orders");
  options.server.login = Login::plain;
  ServiceBusSinkOptions wrong = options;
  const auto sink = test::servicebus_sink(std::move(options));
  EXPECT_EQ(sink->health().state, AdapterState::up) << sink->health().reason;
  EXPECT_TRUE(test::send_and_wait(*sink, message_of("t", "x")));
  EXPECT_EQ(emulator.log().find("token"), std::string::npos);
  const auto at = wrong.server.connection_string.find("SharedAccessKey=");
  wrong.server.connection_string.insert(at + 16, "x");
  const auto refused = test::servicebus_sink(std::move(wrong));
  EXPECT_EQ(refused->health().state, AdapterState::gave_up) << refused->health().reason;
}

// Claim:  a message larger than the entity takes is answered with an error, and those behind it go on.
// Method: two megabytes and a bit, which the options allow, between two small ones; the connection stays.
TEST_F(ServiceBus, TooLargeMessageIsAnsweredWithAnError) {
  const ServiceBusEmulator emulator;
  ServiceBusSinkOptions options = test::servicebus_to(emulator.connection_string(), "orders");
  options.body_bytes_max = std::size_t{4} << 20;
  const auto sink = test::servicebus_sink(std::move(options));
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "before")));
  const Status refused = test::send_and_wait(*sink, message_of("t", std::string(std::size_t{2} << 20, 'x')));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry, Error::Retry::no);
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "after")));
  EXPECT_EQ(sink->health().connections, 1U);
}

}  // namespace
}  // namespace headrace::servicebus
