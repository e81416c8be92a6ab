#include "headrace/servicebus/servicebus_entity.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <sstream>
#include <string>

#include "servicebus_official.hpp"

namespace headrace::servicebus {
namespace {

using test::Collector;
using test::message_of;
using test::official;
using test::ServiceBusEmulator;
using test::ServiceBusOfficial;

constexpr const char* kTopic = R"("topics": {"events": {"some": {}, "all": {}}})";

struct ServiceBusEntities : test::ServiceBusTest {};

ServiceBusEntity entity_of(const ServiceBusEmulator& emulator, std::string name) {
  return {test::servicebus_options(emulator.connection_string()), std::move(name)};
}
std::chrono::system_clock::time_point in(std::chrono::milliseconds time) {
  return std::chrono::system_clock::now() + time;
}
SubscriptionRule correlation_rule(std::string name, CorrelationFilter filter) {
  return {std::move(name), std::move(filter)};
}
SubscriptionRule sql_rule(std::string name, std::string expression) {
  return {std::move(name), SqlFilter{std::move(expression)}};
}

// Claim:  a scheduled message has a number, by which it is cancelled, once; others come when they are due.
// Method: two messages, the first of which is cancelled, twice, before the second is due; of a queue and of a topic.
TEST_F(ServiceBusEntities, ScheduledMessageIsCancelledByItsNumber) {
  const ServiceBusEmulator emulator(R"("queues": {"orders": {}}, "topics": {"events": {"all": {}}})");
  for (const char* name : {"orders", "events"}) {
    const ServiceBusEntity entity = entity_of(emulator, name);
    const auto cancelled = entity.schedule(message_of("t", "cancelled"), in(std::chrono::hours(1)));
    ASSERT_TRUE(cancelled) << cancelled.error().message();
    ASSERT_TRUE(entity.schedule(message_of("t", "due", "key"), in(std::chrono::milliseconds(1))));
    EXPECT_TRUE(entity.cancel(*cancelled));
    const Status again = entity.cancel(*cancelled);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().retry, Error::Retry::no) << again.error().message();
  }
  for (const char* name : {"orders", "events/Subscriptions/all"}) {
    Collector got;
    const auto source = test::servicebus_source(test::servicebus_from(emulator.connection_string(), name),
                                                got.settle(Settlement::done));
    got.await(1);
    const auto all = got.take();
    EXPECT_EQ(test::body_text(all[0].message), "due");
    EXPECT_EQ(all[0].message.key, "key");
  }
}

// Claim:  a subscription takes what one of its rules takes, by correlation or by SQL; rules come, are listed and go by
//         name, and what is wrong with one is said.
// Method: a subscription with one rule of each kind in place of its $Default, and four messages.
TEST_F(ServiceBusEntities, RulesDecideWhatASubscriptionTakes) {
  const ServiceBusEmulator emulator(kTopic);
  const ServiceBusEntity some = entity_of(emulator, "events/Subscriptions/some");
  const SubscriptionRule placed =
      correlation_rule("placed", {.topic = "orders.placed", .headers = {{"land", "at"}}});
  const SubscriptionRule dear = sql_rule("dear", "sys.Label LIKE 'orders.%' AND size IN ('large', 'huge')");
  EXPECT_TRUE(some.remove_rule("$Default"));
  EXPECT_TRUE(some.add_rule(placed));
  EXPECT_TRUE(some.add_rule(dear));
  const auto rules = some.rules();
  ASSERT_TRUE(rules) << rules.error().message();
  EXPECT_EQ(*rules, (std::vector{placed, dear}));
  for (const Status& wrong :
       {some.add_rule(placed), some.add_rule(sql_rule("odd", "a =")), some.remove_rule("$Default")}) {
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().retry, Error::Retry::no) << wrong.error().message();
  }

  const auto sink = test::servicebus_sink(test::servicebus_to(emulator.connection_string(), "events"));
  const auto send = [&](const char* topic, const char* body, const char* header, const char* value) {
    Message message = message_of(topic, body);
    message.headers = {{header, value}};
    EXPECT_TRUE(test::send_and_wait(*sink, std::move(message)));
  };
  send("orders.placed", "placed here", "land", "at");
  send("orders.placed", "placed elsewhere", "land", "nl");
  send("orders.shipped", "large", "size", "large");
  send("parcels.shipped", "parcel", "size", "large");
  Collector got;
  const auto source =
      test::servicebus_source(test::servicebus_from(emulator.connection_string(), "events/Subscriptions/some"),
                              got.settle(Settlement::done));
  Collector of_all;
  const auto all =
      test::servicebus_source(test::servicebus_from(emulator.connection_string(), "events/Subscriptions/all"),
                              of_all.settle(Settlement::done));
  of_all.await(4);
  got.await_different(2);
  EXPECT_EQ(got.bodies(), (std::set<std::string>{"placed here", "large"}));
}

// Claim:  the official client understands our rules and we its, and each cancels what the other has scheduled.
// Method: a rule of each kind and a message from each side.
TEST_F(ServiceBusOfficial, RulesAndNumbersAreTheSameForBoth) {
  const ServiceBusEmulator emulator(std::string(R"("queues": {"orders": {}}, )") + kTopic);
  const ServiceBusEntity some = entity_of(emulator, "events/Subscriptions/some");
  ASSERT_TRUE(some.add_rule(correlation_rule("ours", {.topic = "a", .headers = {{"h", "v"}}})));
  ASSERT_TRUE(some.add_rule(sql_rule("ours in sql", "x > 3")));
  official(emulator, {"add-rule", "events", "some", "theirs", R"({"subject": "b", "sessionId": "s"})"});
  official(emulator, {"add-rule", "events", "some", "theirs in sql", R"({"sqlExpression": "y IS NULL"})"});
  const auto rules = some.rules();
  ASSERT_TRUE(rules) << rules.error().message();
  EXPECT_EQ(
      *rules,
      (std::vector{sql_rule("$Default", "1=1"), correlation_rule("ours", {.topic = "a", .headers = {{"h", "v"}}}),
                   sql_rule("ours in sql", "x > 3"), correlation_rule("theirs", {.topic = "b", .key = "s"}),
                   sql_rule("theirs in sql", "y IS NULL")}));
  const std::string listed = official(emulator, {"rules", "events", "some"});
  for (const char* part : {R"("name":"ours")", R"("subject":"a")", R"("h":"v")", R"("sqlExpression":"x > 3")"}) {
    EXPECT_NE(listed.find(part), std::string::npos) << listed;
  }

  const ServiceBusEntity orders = entity_of(emulator, "orders");
  const auto ours = orders.schedule(message_of("t", "ours"), in(std::chrono::hours(1)));
  ASSERT_TRUE(ours) << ours.error().message();
  official(emulator, {"cancel", "orders", std::to_string(*ours)});
  EXPECT_FALSE(orders.cancel(*ours));
  const std::string theirs = official(emulator, {"schedule", "orders", "3600000"});
  EXPECT_TRUE(orders.cancel(std::stoll(theirs)));
}

// Claim:  what one consumer leaves as a session's state the next one reads, whichever client it uses; a session that
//         nobody has locked has no state to be read.
// Method: a source of ours holds the session, then the official client, then ours again.
TEST_F(ServiceBusOfficial, SessionStateOutlivesItsConsumer) {
  const ServiceBusEmulator emulator(R"("queues": {"orders": {"sessions": true}})");
  const ServiceBusEntity orders = entity_of(emulator, "orders");
  ServiceBusSourceOptions options = test::servicebus_from(emulator.connection_string(), "orders");
  options.sessions_max = 1;
  options.session = "s";
  const auto state = [&] {
    auto is = orders.session_state("s");
    EXPECT_TRUE(is) << is.error().message();
    if (!is || !*is) return std::string("none");
    return std::string(reinterpret_cast<const char*>((*is)->data()), (*is)->size());
  };
  /// A session is held once the broker has given it.
  const auto await_session = [&] { test::yield_until([&] { return orders.session_state("s").has_value(); }); };
  EXPECT_FALSE(orders.session_state("s"));
  {
    const auto source = test::servicebus_source(options, [](ReceivedMessage&&) {});
    await_session();
    EXPECT_EQ(state(), "none");
    const std::string text("ours \0 1", 8);
    ASSERT_TRUE(orders.set_session_state("s", std::as_bytes(std::span(text))));
    EXPECT_EQ(state(), text);
    EXPECT_EQ(source->stop(std::chrono::hours(1)), 0U);
  }
  EXPECT_NE(official(emulator, {"state", "orders", "s", "theirs"}).find(std::string("ours \0 1", 8)),
            std::string::npos);
  const auto source = test::servicebus_source(options, [](ReceivedMessage&&) {});
  await_session();
  EXPECT_EQ(state(), "theirs");
  ASSERT_TRUE(orders.set_session_state("s", std::nullopt));
  EXPECT_EQ(state(), "none");
}

}  // namespace
}  // namespace headrace::servicebus
