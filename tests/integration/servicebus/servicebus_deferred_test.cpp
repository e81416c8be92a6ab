#include <charconv>

#include "headrace/servicebus/message_headers.hpp"
#include "headrace/servicebus/servicebus_entity.hpp"
#include "servicebus_official.hpp"

namespace headrace::servicebus {
namespace {

using test::Collector;
using test::message_of;
using test::official;
using test::ServiceBusEmulator;
using test::ServiceBusOfficial;

struct ServiceBusDeferred : test::ServiceBusTest {};

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Lets a source defer everything that is there, `count` messages; their numbers.
std::vector<std::int64_t> defer_all(const ServiceBusEmulator& emulator, std::size_t count) {
  Collector got;
  ServiceBusSourceOptions options = test::servicebus_from(emulator.connection_string(), "orders");
  options.sequence_numbers = SequenceNumbers::in_header;
  const auto source = test::servicebus_source(std::move(options), got.settle(Settlement::defer));
  got.await(count);
  EXPECT_EQ(source->stop(std::chrono::hours(1)), 0U);
  std::vector<std::int64_t> numbers;
  for (const ReceivedMessage& each : got.take()) {
    EXPECT_EQ(each.message.headers.back().first, kSequenceNumberHeader);
    numbers.push_back(number_in(each.message.headers.back().second));
  }
  return numbers;
}

ServiceBusEntity orders_of(const ServiceBusEmulator& emulator) {
  return {test::servicebus_options(emulator.connection_string()), "orders"};
}

// Claim:  a deferred message is not delivered again, and is given out by its number until it is done or rejected.
// Method: three messages: left aside twice, then completed, rejected, completed; who asks once more is told that there is
//         none, and gets none of the others that it asked for with it.
TEST_F(ServiceBusDeferred, IsGivenOutByItsNumberUntilItIsSettled) {
  const ServiceBusEmulator emulator;
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "orders"));
  for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", body, "key")));
  const auto numbers = defer_all(emulator, 3);
  const ServiceBusEntity orders = orders_of(emulator);
  std::string seen;
  const auto take = [&](std::vector<std::int64_t> wanted, Settlement settlement) {
    return orders.take_deferred(wanted, [&](DeferredMessage&& deferred) {
      seen += test::body_text(deferred.message) + std::to_string(deferred.attempt) + deferred.message.key + " ";
      EXPECT_NE(std::ranges::find(wanted, deferred.number), wanted.end());
      return settlement;
    });
  };
  EXPECT_TRUE(take(numbers, Settlement::defer));
  EXPECT_TRUE(take({numbers[1]}, Settlement::retry));
  EXPECT_TRUE(take({numbers[1]}, Settlement::reject));
  EXPECT_TRUE(take({numbers[0]}, Settlement::done));
  EXPECT_EQ(seen, "a1key b1key c1key b1key b2key a1key ");
  seen.clear();
  const Status gone = take({numbers[2], numbers[0]}, Settlement::done);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().retry, Error::Retry::no) << gone.error().message();
  EXPECT_EQ(seen, "");
  EXPECT_TRUE(take({numbers[2]}, Settlement::done));

  Collector dead;
  ServiceBusSourceOptions options = test::servicebus_from(emulator.connection_string(), "orders");
  options.sub_queue = SubQueue::dead_letters;
  const auto letters = test::servicebus_source(std::move(options), dead.settle(Settlement::done));
  dead.await(1);
  EXPECT_EQ(dead.bodies(), std::set<std::string>{"b"});
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "after")));
  Collector alive;
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "orders"),
                                              alive.settle(Settlement::done));
  alive.await(1);
  EXPECT_EQ(alive.bodies(), std::set<std::string>{"after"});
}

// Claim:  a message that says a number of another broker is sent without it.
// Method: the header in a message of ours, as a source with numbers delivers it.
TEST_F(ServiceBusDeferred, NumbersOfAnotherBrokerAreLeftOut) {
  const ServiceBusEmulator emulator;
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "orders"));
  Message message = message_of("t", "x");
  message.headers = {{std::string(kSequenceNumberHeader), "77"}, {"kept", "1"}};
  ASSERT_TRUE(test::send_and_wait(*sink, std::move(message)));
  Collector got;
  const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), "orders"),
                                              got.settle(Settlement::done));
  got.await(1);
  EXPECT_EQ(got.take()[0].message.headers, (std::vector<std::pair<std::string, std::string>>{{"kept", "1"}}));
}

// Claim:  what the official client deferred we take by its number, and it what our source deferred.
// Method: a message each way.
TEST_F(ServiceBusOfficial, DeferredMessagesAreTheSameForBoth) {
  const ServiceBusEmulator emulator;
  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "orders"));
  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "theirs")));
  const std::int64_t theirs = number_in(official(emulator, {"defer", "orders"}));
  std::string body;
  const Status taken = orders_of(emulator).take_deferred({&theirs, 1}, [&](DeferredMessage&& deferred) {
    body = test::body_text(deferred.message);
    return Settlement::done;
  });
  EXPECT_TRUE(taken) << taken.error().message();
  EXPECT_EQ(body, "theirs");

  ASSERT_TRUE(test::send_and_wait(*sink, message_of("t", "ours")));
  const std::int64_t ours = defer_all(emulator, 1).front();
  EXPECT_EQ(official(emulator, {"receive-deferred", "orders", std::to_string(ours)}), "ours\n");
  const Status gone =
      orders_of(emulator).take_deferred({&ours, 1}, [](DeferredMessage&&) { return Settlement::done; });
  EXPECT_FALSE(gone);
}

}  // namespace
}  // namespace headrace::servicebus
