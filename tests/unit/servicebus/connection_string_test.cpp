#include "headrace/servicebus/connection_string.hpp"

#include <gtest/gtest.h>

#include "headrace/servicebus/servicebus_options.hpp"
#include "sas_token.hpp"

namespace headrace::servicebus {
namespace {

constexpr const char* kStringSecret = "canary4711=";

// Claim:  what Azure's portal gives out is understood, in whatever order, case and spacing.
// Method: a namespace's string with a trailing semicolon, one of a queue, one of an emulator with a port, a token.
TEST(ServiceBusConnectionString, EveryFormIsUnderstood) {
  const auto whole = ConnectionString::of(
      "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=canary4711=;");
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_EQ(whole->host, "shop.servicebus.windows.net");
  EXPECT_EQ(whole->port, 0);
  EXPECT_EQ(whole->key_name, "root");
  EXPECT_EQ(whole->key, kStringSecret);  // with the = at its end
  EXPECT_FALSE(whole->emulator);
  const auto queue = ConnectionString::of(
      " sharedaccesskey = canary4711= ; ENTITYPATH=orders;SharedAccessKeyName=r;"
      "Endpoint=sb://127.0.0.1:5999;UseDevelopmentEmulator=True;TransportType=Amqp");
  ASSERT_TRUE(queue) << queue.error().message();
  EXPECT_EQ(queue->entity, "orders");
  EXPECT_EQ(queue->port, 5999);
  EXPECT_TRUE(queue->emulator);
  const auto token = ConnectionString::of(
      "Endpoint=sb://h;SharedAccessSignature=SharedAccessSignature sr=x&sig=canary4711=&se=1&skn=r");
  ASSERT_TRUE(token) << token.error().message();
  EXPECT_EQ(token->token, "SharedAccessSignature sr=x&sig=canary4711=&se=1&skn=r");
}

// Claim:  what is wrong is said, and no message holds any of a secret.
// Method: each mistake with a canary where the secret would be, and the words that must be in its message.
TEST(ServiceBusConnectionString, MistakesAreNamedAndSecretsAreNot) {
  const std::pair<const char*, const char*> table[] = {
      {"", "has no Endpoint"},
      {"canary4711", "part 1 is not NAME=VALUE"},
      {"canary4711=", "part 1 has a name that is not known"},
      {"Endpoint=sb://h;SharedAccessKeyName=r;SharedAccesKey=canary4711=", "part 3 has a name that is not known"},
      {"Endpoint=sb://h;SharedAccessKeyName=r", "has no SharedAccessKey"},
      {"Endpoint=sb://h;SharedAccessKey=canary4711=", "has no SharedAccessKeyName"},
      {"Endpoint=sb://h;SharedAccessKeyName=;SharedAccessKey=canary4711=", "part 2 has no value"},
      {"Endpoint=sb://h;SharedAccessKey=canary4711=;SharedAccessKey=canary4711=", "part 3 repeats"},
      {"Endpoint=sb://h;SharedAccessKeyName=r;SharedAccessKey=canary\n4711", "part 3 has a control character"},
      {"Endpoint=https://h;SharedAccessKeyName=r;SharedAccessKey=canary4711=", "must begin with sb://"},
      {"Endpoint=sb://u:canary4711@h;SharedAccessKeyName=r;SharedAccessKey=k", "no user and password"},
      {"Endpoint=sb://h/canary4711;SharedAccessKeyName=r;SharedAccessKey=k", "no path"},
      {"Endpoint=sb://h:99999;SharedAccessKeyName=r;SharedAccessKey=canary4711=", "port"},
      {"Endpoint=sb://h canary4711;SharedAccessKeyName=r;SharedAccessKey=k", "a host that is no name"},
      {"Endpoint=sb://h;SharedAccessKeyName=r;SharedAccessKey=canary4711=;SharedAccessSignature=x",
       "beside a key"},
      {"Endpoint=sb://h;SharedAccessSignature=canary4711", "does not begin with that word"},
      {"Endpoint=sb://h;SharedAccessKeyName=r;SharedAccessKey=canary4711=;UseDevelopmentEmulator=canary4711",
       "must be true or false"}};
  for (const auto& [text, words] : table) {
    const auto parsed = ConnectionString::of(text);
    ASSERT_FALSE(parsed) << text;
    const std::string message = parsed.error().message();
    EXPECT_NE(message.find(words), std::string::npos) << message;
    EXPECT_EQ(message.find("canary"), std::string::npos) << message;
    EXPECT_EQ(message.find("4711"), std::string::npos) << message;
  }
  EXPECT_FALSE(ConnectionString::of(std::string(9'000, ';')));
}

// Claim:  an entity comes from the options or from the connection string, which must not contradict each other.
// Method: each of them, both alike, a subscription of the string's topic, two that differ, none.
TEST(ServiceBusConnectionString, EntityComesFromOneOfTwoPlaces) {
  ServiceBusOptions options;
  const std::string login = "Endpoint=sb://h;SharedAccessKeyName=r;SharedAccessKey=k";
  options.connection_string = login;
  EXPECT_EQ(ServiceBusAddress::of(options, "orders")->entity, "orders");
  EXPECT_EQ(ServiceBusAddress::of(options, "orders")->port, 5671);
  EXPECT_TRUE(ServiceBusAddress::of(options, "orders")->tls);
  EXPECT_FALSE(ServiceBusAddress::of(options, ""));
  options.connection_string = login + ";EntityPath=events;UseDevelopmentEmulator=true";
  EXPECT_EQ(ServiceBusAddress::of(options, "")->entity, "events");
  EXPECT_EQ(ServiceBusAddress::of(options, "events")->port, 5672);
  EXPECT_FALSE(ServiceBusAddress::of(options, "events")->tls);
  EXPECT_EQ(ServiceBusAddress::of(options, "events/Subscriptions/a")->entity, "events/Subscriptions/a");
  EXPECT_FALSE(ServiceBusAddress::of(options, "events2"));
  EXPECT_EQ(ServiceBusAddress::of(options, "")->text(), "servicebus h:5672/events");
}

// Claim:  a token is what Azure's own clients make of the same.
// Method: one that Node's crypto signed, with characters that must be encoded in every part.
TEST(ServiceBusToken, IsAsOthersMakeIt) {
  EXPECT_EQ(sas_token("sb://shop.servicebus.windows.net/orders/Subscriptions/a b", "root manage", "c2VjcmV0",
                      1'700'000'000),
            "SharedAccessSignature sr=sb%3A%2F%2Fshop.servicebus.windows.net%2Forders%2FSubscriptions%2Fa%20b"
            "&sig=BuHkFoI2KcWBMp0abzJdWyMH0Btewbs6aJrqLhf5AGE%3D&se=1700000000&skn=root%20manage");
}

}  // namespace
}  // namespace headrace::servicebus
