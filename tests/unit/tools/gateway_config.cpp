#include "gateway_config.hpp"

#include <gtest/gtest.h>

namespace headrace::program {
namespace {

constexpr std::string_view kGateway = R"([[source]]
name = "orders"
kind = "redis"
url = "redis://127.0.0.1:1"
stream = "orders"
unsettled = 100
down_after = "5 s"
identity = "id"
topics = [["orders", "shop.orders"]]

[[sink]]
name = "rabbit"
kind = "rabbitmq"
url = "amqps://broker.example/shop"
exchange = "orders"

[[route]]
name = "all"
filter = "shop.#"
to = "rabbit"
headers = { type = "placed" }
topics = [["out/#", "shop.#"]]
)";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kGateway);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string alert(std::string_view limits) {
  return "alert = { field = \"temp\", topic = \"alerts.hot\", " + std::string(limits) + " }\nheaders";
}

// Claim:  a gateway's config is read as it is written.
// Method: one with every kind of value.
TEST(GatewayConfig, IsReadAsWritten) {
  EXPECT_TRUE(is_gateway_config(kGateway));
  EXPECT_FALSE(is_gateway_config("[source]\nkind = \"stdin\"\n"));
  const auto [config, problems] = parse_gateway_config(kGateway, "g.toml");
  ASSERT_TRUE(problems.empty()) << problems.front().message();
  EXPECT_EQ(config.sources.at(0).unsettled_max, 100U);
  EXPECT_EQ(config.sources.at(0).identity, "id");
  EXPECT_EQ(config.sources.at(0).down_after, std::chrono::seconds(5));
  EXPECT_EQ(config.sinks.at(0).down_after, std::chrono::seconds(30));
  EXPECT_EQ(*config.sources.at(0).topics.to_inside("orders"), "shop.orders");
  EXPECT_EQ(config.sinks.at(0).exchange, "orders");
  EXPECT_EQ(config.routes.at(0).sink, 0U);
  EXPECT_EQ(*config.routes.at(0).topics.to_outside("shop.orders"), "out/orders");
  EXPECT_EQ(config.routes.at(0).headers.at(0).second, "placed");
}

// Claim:  a config is a gateway's by any of its parts, so that one that lacks the others is told what is missing.
// Method: each part alone, and a replay's.
TEST(GatewayConfig, IsKnownByAnyOfItsParts) {
  for (const std::string_view part : {"[[source]]\n", "[[sink]]\n", "[[route]]\n"}) {
    EXPECT_TRUE(is_gateway_config(part)) << part;
    EXPECT_FALSE(parse_gateway_config(part, "g.toml").problems.empty()) << part;
  }
  EXPECT_FALSE(is_gateway_config("[source]\nkind = \"stdin\"\n[[subscription]]\n"));
}

// Claim:  what a reload compares does not change with comments, order and layout, and does with what they say.
// Method: a config written in two ways, and one with another buffer.
TEST(GatewayConfig, IsComparedByWhatItSays) {
  const auto config = parse_gateway_config(kGateway, "g.toml").config;
  const auto again =
      parse_gateway_config(
          with("name = \"orders\"\nkind = \"redis\"", "# first\nkind   = \"redis\"\nname = \"orders\""), "g.toml")
          .config;
  EXPECT_EQ(config.fixed, again.fixed);
  EXPECT_EQ(config.routes.at(0).text, again.routes.at(0).text);
  EXPECT_NE(config.fixed, parse_gateway_config(with("unsettled = 100", "unsettled = 99"), "g.toml").config.fixed);
  EXPECT_EQ(config.fixed, parse_gateway_config(with("shop.#", "shop.a"), "g.toml").config.fixed);
}

// Claim:  each mistake is found where it stands, and no message repeats a URL.
// Method: one mistake a row, with its line and words of its message.
TEST(GatewayConfig, MistakesAreFoundByLine) {
  const struct {
    std::string text;
    std::size_t line;
    std::string says;
  } table[] = {
      {with("kind = \"redis\"", "kind = \"redys\""), 3, "did you mean 'redis'"},
      {with("redis://127.0.0.1:1", "redis://u:canary@h:x"), 4, "the port is none"},
      {with("stream = \"orders\"\n", ""), 1, "the stream to read"},
      {with("unsettled = 100", "unsettled = 0"), 6, "unsettled"},
      {with("\"5 s\"", "\"5\""), 7, "a time such as"},
      {with("unsettled = 100", "unsetled = 100"), 6, "did you mean 'unsettled'"},
      {with("[[\"orders\", \"shop.orders\"]]", "[[\"orders/+\", \"shop.orders\"]]"), 9, "topics"},
      {with("[[\"orders\", \"shop.orders\"]]", "[\"orders\"]"), 9, "a pair"},
      {with("amqps://", "http://"), 14, "must begin with amqp"},
      {with("exchange = \"orders\"", "buffer = 10"), 15, "less than the 100"},
      {with("shop.#\"\nto", "shop.#.+\"\nto"), 19, "filter"},
      {with("headers =", "where = \"temp >\"\nheaders ="), 21, "expected a field"},
      {with("kind = \"rabbitmq\"", "kind = \"store\""), 11, "the event store's file"},
      {with("[[route]]", "[metrics]\nlisten = \"example.com:80\"\n[[route]]"), 18, "must be numeric"},
      {with("[[route]]", "[metrics]\n[[route]]"), 17, "where metrics are served"},
      {with("[[route]]", "[gateway]\ngave_up = \"stpo\"\n[[route]]"), 18, "not one of stop, go_on"},
      {with("to = \"rabbit\"", "to = \"rabit\""), 20, "did you mean 'rabbit'"},
      {with("{ type = \"placed\" }", "{ type = 1 }"), 21, "must be a text"},
      {with("to = \"rabbit\"\n", ""), 17, "the name of a sink"},
      {with("headers", "enrich = { by = \"id\", table = \"nowhere.csv\" }\nheaders"), 21, "cannot be read"},
      {with("headers", "enrich = { table = \"nowhere.csv\" }\nheaders"), 21, "the body's field"},
      {with("to = \"rabbit\"\nheaders", alert("above = 80, until = 81")), 20, "would be over"},
      {with("to = \"rabbit\"\nheaders", alert("above = \"hot\"")), 20, "expected a number"},
      {with("to = \"rabbit\"\nheaders", alert("above = 80, below = 2")), 20, "not both"},
      {with("to = \"rabbit\"\nheaders", alert("above = 80")), 22, "a topic of its own"},
  };
  for (const auto& row : table) {
    const auto problems = parse_gateway_config(row.text, "g.toml").problems;
    ASSERT_FALSE(problems.empty()) << row.says;
    EXPECT_EQ(problems.front().line, row.line) << problems.front().message();
    EXPECT_NE(problems.front().message().find(row.says), std::string::npos) << problems.front().message();
    EXPECT_EQ(problems.front().message().find("canary"), std::string::npos);
  }
}

std::string dedup(std::string_view keys) { return "[dedup]\n" + std::string(keys) + "[[route]]"; }

// Claim:  where copies are remembered is read as it is written, for sources that have an identity; each mistake is found
//         where it stands, and no message repeats a URL.
// Method: a file and a server; one mistake a row, of keys that begin in line 18.
TEST(GatewayConfig, PlaceOfCopiesIsRead) {
  const auto file = parse_gateway_config(
      with("[[route]]", dedup("file = \"seen.db\"\nwindow = \"90 min\"\nclaim = \"5 s\"\nevents = 7\n")),
      "/etc/plant/g.toml");
  ASSERT_TRUE(file.problems.empty()) << file.problems.front().message();
  ASSERT_TRUE(file.config.dedup);
  EXPECT_EQ(file.config.dedup->file, "/etc/plant/seen.db");
  EXPECT_EQ(file.config.dedup->window, std::chrono::minutes(90));
  EXPECT_EQ(file.config.dedup->claim, std::chrono::seconds(5));
  EXPECT_EQ(file.config.dedup->events_max, 7U);
  const auto server = parse_gateway_config(
      with("[[route]]", dedup("url = \"redis://h\"\npassword_file = \"p\"\nscope = \"s\"\nowner = \"o\"\n")),
      "/etc/plant/g.toml");
  ASSERT_TRUE(server.problems.empty()) << server.problems.front().message();
  EXPECT_EQ(server.config.dedup->server.password_file, "/etc/plant/p");
  EXPECT_EQ(server.config.dedup->scope, "s");
  EXPECT_EQ(server.config.dedup->owner, "o");

  const struct {
    std::string text;
    std::size_t line;
    std::string says;
  } table[] = {
      {dedup(""), 17, "one of them"},
      {dedup("file = \"a\"\nurl = \"redis://canary@h\"\n"), 17, "one of them"},
      {dedup("url = \"redis://u:canary@h:x\"\n"), 18, "the port is none"},
      {dedup("url = \"rediss://h\"\nca_file = \"nowhere\"\n"), 19, "nowhere"},
      {dedup("url = \"redis://h\"\nevents = 7\n"), 19, "by time only"},
      {dedup("file = \"a\"\npassword_file = \"p\"\n"), 19, "a SQLite file has none"},
      {dedup("file = \"a\"\nclaim = \"10 ms\"\n"), 19, "at least a second"},
      {dedup("file = \"a\"\nscope = \"\"\n"), 19, "must not be empty"},
      {dedup("file = \"a\"\nwindwo = \"1 min\"\n"), 19, "did you mean 'window'"},
  };
  for (const auto& row : table) {
    const auto problems = parse_gateway_config(with("[[route]]", row.text), "g.toml").problems;
    ASSERT_EQ(problems.size(), 1U) << row.says;
    EXPECT_EQ(problems.front().line, row.line) << problems.front().message();
    EXPECT_NE(problems.front().message().find(row.says), std::string::npos) << problems.front().message();
    EXPECT_EQ(problems.front().message().find("canary"), std::string::npos);
  }
  std::string none = with("[[route]]", dedup("file = \"a\"\n"));
  const auto problems =
      parse_gateway_config(none.replace(none.find("identity = \"id\"\n"), 16, ""), "g.toml").problems;
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems.front().line, 16U);
  EXPECT_NE(problems.front().message().find("no source has an identity"), std::string::npos);
}

// Claim:  where large content of an end lies is read as it is written, for sources and sinks of every kind; each mistake is
//         found in its line.
// Method: a source and a sink with all keys; one mistake a row, in the source's line 9 or the sink's line 17.
TEST(GatewayConfig, ClaimsOfEndsAreRead) {
  const auto both = [](std::string_view source, std::string_view sink) {
    std::string text =
        with("topics = [[\"orders\"", "claims = " + std::string(source) + "\ntopics = [[\"orders\"");
    const auto at = text.find("exchange = \"orders\"\n");
    return text.insert(at + 20, "claims = " + std::string(sink) + "\n");
  };
  const auto [config, problems] = parse_gateway_config(
      both("{ folder = \"/blobs\", bytes_max = 1000 }",
           "{ folder = \"blobs\", over = \"1 KiB\", bytes_max = \"2 MiB\", identity = \"id\" }"),
      "/etc/plant/g.toml");
  ASSERT_TRUE(problems.empty()) << problems.front().message();
  const ClaimsConfig& source = *config.sources.at(0).claims;
  EXPECT_EQ(source.folder, "/blobs");
  EXPECT_EQ(source.bytes_max, 1000U);
  const ClaimsConfig& sink = *config.sinks.at(0).claims;
  EXPECT_EQ(sink.folder, "/etc/plant/blobs");
  EXPECT_EQ(sink.travels_max, 1024U);
  EXPECT_EQ(sink.bytes_max, std::size_t{2} << 20);
  EXPECT_EQ(sink.identity, "id");
  EXPECT_FALSE(parse_gateway_config(kGateway, "g.toml").config.sinks.at(0).claims);

  const std::string good = "{ folder = \"blobs\" }";
  const struct {
    std::string text;
    std::size_t line;
    std::string says;
  } table[] = {
      {both("{ }", good), 9, "where large content lies"},
      {both("\"blobs\"", good), 9, "expected a table"},
      {both("{ folder = 1 }", good), 9, "folder"},
      {both("{ folder = \"b\", over = 10 }", good), 9, "over"},
      {both("{ folder = \"b\", bytes_max = \"0 MiB\" }", good), 9, "a size from 1"},
      {both(good, "{ over = 10 }"), 17, "where large content lies"},
      {both(good, "{ folder = \"b\", over = \"2 KiB\", bytes_max = \"1 KiB\" }"), 17, "bytes_max is less"},
      {both(good, "{ folder = \"b\", bytes_max = \"1 KiB\" }"), 17, "bytes_max is less"},
      {both(good, "{ folder = \"b\", bytes_mx = 10 }"), 17, "did you mean 'bytes_max'"},
  };
  for (const auto& row : table) {
    const auto found = parse_gateway_config(row.text, "g.toml").problems;
    ASSERT_FALSE(found.empty()) << row.says;
    EXPECT_EQ(found.front().line, row.line) << found.front().message();
    EXPECT_NE(found.front().message().find(row.says), std::string::npos) << found.front().message();
  }
}

// Claim:  each kind of broker that has TLS can be told whom to trust, and a file that is not there is told at its line.
// Method: a sink of each kind with a file that does not exist, and one that is a list of certificates.
TEST(GatewayConfig, EndsAreToldWhomToTrust) {
  for (const std::string_view kind : {"redis", "rabbitmq", "mqtt"}) {
    const std::string scheme = kind == "redis" ? "rediss" : kind == "mqtt" ? "mqtts" : "amqps";
    const std::string text =
        "name = \"out\"\nkind = \"" + std::string(kind) + "\"\nurl = \"" + scheme + "://h\"\n";
    std::string gateway = with(
        "name = \"rabbit\"\nkind = \"rabbitmq\"\nurl = \"amqps://broker.example/shop\"\n"
        "exchange = \"orders\"\n",
        text + "ca_file = \"nowhere.crt\"\n");
    gateway.replace(gateway.find("to = \"rabbit\""), 13, "to = \"out\"");
    const auto problems = parse_gateway_config(gateway, "/etc/plant/g.toml").problems;
    if (kind == "rabbitmq") {  // its files are read when it connects
      EXPECT_TRUE(problems.empty());
      continue;
    }
    ASSERT_EQ(problems.size(), 1U) << kind;
    EXPECT_EQ(problems.front().line, 15U) << problems.front().message();
    EXPECT_NE(problems.front().message().find("/etc/plant/nowhere.crt"), std::string::npos);
  }
}

// Claim:  no message shows a line that may hold credentials, even one that is no TOML.
// Method: an address whose closing quote is missing, and one whose key is not known.
TEST(GatewayConfig, LinesWithCredentialsAreNotShown) {
  for (const char* line : {"url = \"amqp://user:canary@host\n", "uri = \"amqp://user:canary@host\"\n"}) {
    const auto problems =
        parse_gateway_config("[[sink]]\nname = \"rabbit\"\nkind = \"rabbitmq\"\n" + std::string(line), "g.toml")
            .problems;
    ASSERT_FALSE(problems.empty());
    for (const ConfigProblem& problem : problems) EXPECT_EQ(problem.message().find("canary"), std::string::npos);
  }
}

// Claim:  a route leads to a sink or to alerts, and alerts to a sink by another route, or `check` says so.
// Method: a route of alerts, with a route for them and without.
TEST(GatewayConfig, AlertsNeedARouteToo) {
  const std::string alerts =
      "[[route]]\nname = \"hot\"\nfilter = \"plant.#\"\n"
      "alert = { field = \"temp\", below = -5, until = 0, by = \"device\", topic = \"TOPIC\" }\n";
  const auto problems_with = [&](const std::string& topic) {
    std::string text = std::string(kGateway) + alerts;
    return parse_gateway_config(text.replace(text.find("TOPIC"), 5, topic), "g.toml").problems;
  };
  EXPECT_TRUE(problems_with("shop.alerts").empty());
  ASSERT_EQ(problems_with("plant.alerts").size(), 1U);
  EXPECT_NE(problems_with("plant.alerts").front().message().find("no route to a sink takes 'plant.alerts'"),
            std::string::npos);
  EXPECT_FALSE(problems_with("plant..alerts").empty());
}

// Claim:  two ends that one MQTT broker would take for the same client, and cut off in turn, are found.
// Method: a source and a sink of one name; then with an id of its own, and at another broker.
TEST(GatewayConfig, MqttEndsThatCutEachOtherOffAreFound) {
  const auto problems_with = [](const std::string& sink) {
    return parse_gateway_config(
               "[[source]]\nname = \"plant\"\nkind = \"mqtt\"\nurl = \"mqtt://127.0.0.1:1\"\n"
               "filter = \"in/#\"\n[[sink]]\nname = \"plant\"\nkind = \"mqtt\"\n" +
                   sink + "[[route]]\nname = \"all\"\nfilter = \"#\"\nto = \"plant\"\n",
               "g.toml")
        .problems;
  };
  const auto same = problems_with("url = \"mqtt://127.0.0.1:1\"\n");
  ASSERT_EQ(same.size(), 1U);
  EXPECT_EQ(same.front().line, 7U);
  EXPECT_NE(same.front().message().find("'headrace-plant'"), std::string::npos) << same.front().message();
  EXPECT_TRUE(problems_with("url = \"mqtt://127.0.0.1:1\"\nclient_id = \"out\"\n").empty());
  EXPECT_TRUE(problems_with("url = \"mqtt://127.0.0.1:2\"\n").empty());
}

// Claim:  MQTT's ends have TLS files, a QoS and a will of their own; a mistake is told at the line of its key, and no other
//         kind has these keys.
// Method: a sink with all of them, and a table of mistakes.
TEST(GatewayConfig, MqttEndsHaveTlsQosAndWill) {
  const auto read = [](const std::string& keys, const std::string& kind = "mqtt") {
    return parse_gateway_config(
        "[[source]]\nname = \"in\"\nkind = \"redis\"\nurl = \"redis://127.0.0.1:1\"\n"
        "stream = \"in\"\n[[sink]]\nname = \"out\"\nkind = \"" +
            kind + "\"\n" + keys + "[[route]]\nname = \"all\"\nfilter = \"#\"\nto = \"out\"\n",
        "/etc/plant/g.toml");
  };
  const auto [config, problems] = read(
      "url = \"mqtt://h\"\nca_file = \"ca.crt\"\ncertificate_file = \"own.crt\"\nkey_file = \"/k/own.key\"\n"
      "server_name = \"broker\"\nqos = 2\n"
      "will = { topic = \"state\", body = \"gone\", qos = 0, retained = true, delay = \"1 min\" }\n");
  ASSERT_TRUE(problems.empty()) << problems.front().message();
  const SinkEndConfig& end = config.sinks.at(0);
  EXPECT_EQ(end.server.ca_file, "/etc/plant/ca.crt");
  EXPECT_EQ(end.mqtt.certificate_file, "/etc/plant/own.crt");
  EXPECT_EQ(end.mqtt.key_file, "/k/own.key");
  EXPECT_EQ(end.mqtt.server_name, "broker");
  EXPECT_EQ(end.mqtt.qos, 2);
  ASSERT_TRUE(end.mqtt.will);
  EXPECT_EQ(end.mqtt.will->topic, "state");
  EXPECT_EQ(end.mqtt.will->body, "gone");
  EXPECT_EQ(end.mqtt.will->qos, 0);
  EXPECT_TRUE(end.mqtt.will->retained);
  EXPECT_EQ(end.mqtt.will->delay, std::chrono::minutes(1));

  const std::pair<std::string, std::string> table[] = {
      {"url = \"mqtt://h\"\nqos = 0\n", "qos"},
      {"url = \"mqtt://h\"\nwill = { body = \"gone\" }\n", "topic"},
      {"url = \"mqtt://h\"\nwill = { topic = \"a/#\" }\n", "the topic holds a wildcard"},
      {"url = \"mqtts://h\"\nca_file = \"/nowhere\"\n", "/nowhere"}};
  for (const auto& [keys, part] : table) {
    const auto found = read(keys).problems;
    ASSERT_EQ(found.size(), 1U) << keys;
    EXPECT_EQ(found.front().line, 10U) << keys;
    EXPECT_NE(found.front().message().find(part), std::string::npos) << found.front().message();
  }
  for (const std::string key :
       {"certificate_file = \"x\"", "key_file = \"x\"", "server_name = \"x\"", "qos = 1"}) {
    const auto found = read("url = \"amqp://h\"\n" + key + "\n", "rabbitmq").problems;
    ASSERT_EQ(found.size(), 1U) << key;
    EXPECT_NE(found.front().message().find("only \"mqtt\" has this"), std::string::npos);
  }
}

// Claim:  Service Bus's ends need an entity and a connection string, which may lie in a file; no message repeats it.
// Method: both ends as they should be; without each of these; with a mistake in the string.
TEST(GatewayConfig, ServiceBusNeedsAnEntityAndAConnectionString) {
  const auto problems_with = [](const std::string& source, const std::string& sink) {
    return parse_gateway_config("[[source]]\nname = \"in\"\nkind = \"servicebus\"\n" + source +
                                    "[[sink]]\nname = \"out\"\nkind = \"servicebus\"\n" + sink +
                                    "[[route]]\nname = \"all\"\nfilter = \"#\"\nto = \"out\"\n",
                                "g.toml")
        .problems;
  };
  const std::string source = "password_file = \"secret\"\nentity = \"events/Subscriptions/a\"\n";
  const std::string sink =
      "entity = \"orders\"\nurl = \"Endpoint=sb://h;SharedAccessKeyName=n;SharedAccessKey=canary\"\n";
  EXPECT_TRUE(problems_with(source, sink).empty());
  const std::pair<std::string, std::string> table[] = {
      {"url = \"canary\"\nentity = \"q\"\n", "part 1 is not NAME=VALUE"},
      {"entity = \"q\"\n", "the connection string"},
      {"password_file = \"secret\"\n", "the entity to read"},
      {source + "queue = \"q\"\n", "queue"}};
  for (const auto& [wrong, says] : table) {
    const auto problems = problems_with(wrong, sink);
    ASSERT_EQ(problems.size(), 1U) << says;
    EXPECT_NE(problems.front().message().find(says), std::string::npos) << problems.front().message();
    EXPECT_EQ(problems.front().message().find("canary"), std::string::npos);
  }
}

}  // namespace
}  // namespace headrace::program
