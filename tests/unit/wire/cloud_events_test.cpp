#include "headrace/wire/cloud_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "body_text.hpp"

namespace headrace::wire {
namespace {

using namespace test;
using Binding = CloudEventsBinding;
using Mode = CloudEventsMode;

std::string header(const Message& message, std::string_view name) {
  for (const auto& [known, value] : message.headers) {
    if (known == name) return value;
  }
  return "(none)";
}

EncodedEvent order() {
  EncodedEvent event;
  event.envelope = {EventId{0x017f22e279b07cc3, 0x98c4dc0c0c07398f},
                    "orders.placed",
                    "Zürich 100%",
                    3,
                    EventTime(std::chrono::nanoseconds(1'700'000'000'120'000'000)),
                    EventId{0x017f22e279b07cc3, 0x98c4dc0c0c073990},
                    EventId{0x017f22e279b07cc3, 0x98c4dc0c0c073991},
                    {"region:eu", "a,b"},
                    {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
                     {"tenant", "x"},
                     {"tenant", "y"},
                     {"X-Custom", "a \"b\"\n\x7f"}}};
  event.content_type = "application/json";
  event.body = bytes(R"({"order":1,"big":123456789012345678901234567890})");
  return event;
}

struct EveryWay : testing::TestWithParam<std::pair<Binding, Mode>> {
  CloudEvents format{{GetParam().first, GetParam().second, "/shop", {}}};
};

// Claim:  an event survives the way through a message, with all that its envelope holds and byte for byte, in
//         every binding and mode.
// Method: a full event with JSON, text, binary and empty bodies.
TEST_P(EveryWay, WholeEventComesBack) {
  const std::vector<std::pair<std::string, std::string>> bodies{{"application/json", text(order().body)},
                                                                {"application/json", "no JSON"},
                                                                {"application/json", " 1 "},
                                                                {"application/vnd.x+json; v=1", "[1]"},
                                                                {"text/plain", "\"quoted\" Zürich"},
                                                                {"text/plain", "\xff\xfe"},
                                                                {"application/cbor", std::string("\0\xff\n", 3)},
                                                                {"image/png", ""},
                                                                {"", "{\"a\":1}"},
                                                                {"", "\x01"}};
  for (const auto& [type, body] : bodies) {
    EncodedEvent event = order();
    event.content_type = type;
    event.body = bytes(body);
    const auto message = format.write(event);
    ASSERT_TRUE(message) << message.error().message();
    EXPECT_TRUE(format.is_cloud_event(*message));
    const auto back = format.read(*message);
    ASSERT_TRUE(back) << back.error().message();
    ASSERT_EQ(back->size(), 1U);
    // Extensions come first, then what can be none.
    std::swap(event.envelope.headers[2], event.envelope.headers[2]);
    EXPECT_EQ(back->front(), event) << type << " " << body;
  }
}

// Claim:  a foreign event's own id, source, schema and unknown extensions survive, and its id is the same each
//         time.
// Method: read, write, read again.
TEST_P(EveryWay, ForeignEventComesBack) {
  const CloudEvents http({Binding::http, Mode::binary, "/gateway", {}});
  Message foreign;
  foreign.headers = {{"CE-specversion", "1.0"},       {"ce-id", "A234-1234"},
                     {"ce-source", "//far/away%20"},  {"ce-type", "com.x"},
                     {"ce-dataschema", "http://s/1"}, {"ce-correlationid", "c1"},
                     {"ce-myext", "E%22%25"},         {"ce-time", "2018-04-05T17:31:00.5+02:00"}};
  foreign.content_type = "text/xml";
  foreign.body = bytes("<much/>");
  const auto first = http.read(foreign);
  ASSERT_TRUE(first) << first.error().message();
  const auto again = format.read(*format.write(first->front()));
  ASSERT_TRUE(again) << again.error().message();
  EncodedEvent a = first->front();
  EncodedEvent b = again->front();
  std::ranges::sort(a.envelope.headers);
  std::ranges::sort(b.envelope.headers);
  EXPECT_EQ(a, b);
  const auto out = http.write(b);
  EXPECT_EQ(header(*out, "ce-id"), "A234-1234");
  EXPECT_EQ(header(*out, "ce-source"), "//far/away%20");
  EXPECT_EQ(header(*out, "ce-dataschema"), "http://s/1");
  EXPECT_EQ(header(*out, "ce-correlationid"), "c1");
  EXPECT_EQ(header(*out, "ce-myext"), "E%22%25");
  EXPECT_EQ(header(*out, "ce-time"), "2018-04-05T15:31:00.5Z");
}

INSTANTIATE_TEST_SUITE_P(
    CloudEvents, EveryWay,
    testing::Values(std::pair(Binding::http, Mode::binary), std::pair(Binding::http, Mode::structured),
                    std::pair(Binding::amqp, Mode::binary), std::pair(Binding::amqp, Mode::structured),
                    std::pair(Binding::mqtt5, Mode::binary), std::pair(Binding::mqtt5, Mode::structured),
                    std::pair(Binding::mqtt311, Mode::structured)));

// Claim:  attributes stand where each binding wants them.
// Method: the headers of one event.
TEST(CloudEventsBinding, NamesHeadersAsItsSpecificationSays) {
  const auto written = [](Binding binding) {
    return *CloudEvents({binding, Mode::binary, "/shop", {}}).write(order());
  };
  const Message http = written(Binding::http);
  EXPECT_EQ(header(http, "ce-type"), "orders.placed");
  EXPECT_EQ(header(http, "ce-subject"), "Z%C3%BCrich%20100%25");
  EXPECT_EQ(header(http, "ce-dataschema"), "urn:headrace:schema:orders.placed:3");
  EXPECT_EQ(header(http, "ce-datacontenttype"), "(none)");
  EXPECT_EQ(http.content_type, "application/json");
  EXPECT_EQ(header(written(Binding::amqp), "cloudEvents_subject"), "Zürich 100%");
  EXPECT_EQ(header(written(Binding::mqtt5), "time"), "2023-11-14T22:13:20.12Z");
  EXPECT_THROW(CloudEvents({Binding::mqtt311, Mode::binary, "/shop", {}}), ConfigError);
  EXPECT_THROW(CloudEvents({Binding::http, Mode::binary, "not a uri", {}}), ConfigError);
}

// Claim:  structured mode is the JSON that the specification shows: JSON data inline, text as text, bytes as
//         Base64.
// Method: another JSON library reads it.
TEST(CloudEventsStructured, IsReadByOthers) {
  const CloudEvents format({Binding::http, Mode::structured, "/shop", {}});
  const Message message = *format.write(order());
  EXPECT_EQ(message.content_type, "application/cloudevents+json; charset=utf-8");
  const auto json = nlohmann::json::parse(text(message.body));
  EXPECT_EQ(json["specversion"], "1.0");
  EXPECT_EQ(json["data"]["order"], 1);
  EXPECT_EQ(json["tenant"], "x");
  EXPECT_EQ(json["headracetags"], R"(["region:eu","a,b"])");
  EXPECT_NE(text(message.body).find("123456789012345678901234567890"), std::string::npos);
}

// Claim:  a batch comes back in order; an empty one is a batch.
// Method: three events of several kinds; none.
TEST(CloudEventsBatch, ComesBackInOrder) {
  const CloudEvents format({Binding::http, Mode::binary, "/shop", {}});
  std::vector<EncodedEvent> events(3, order());
  events[1].content_type = "application/octet-stream";
  events[1].body = bytes("\xff{[\"");
  events[2].envelope.key = "]},{";
  const auto message = format.write_batch(events);
  ASSERT_TRUE(message) << message.error().message();
  EXPECT_EQ(message->content_type, "application/cloudevents-batch+json; charset=utf-8");
  EXPECT_EQ(*format.read(*message), events);
  EXPECT_TRUE(format.read(*format.write_batch({}))->empty());
  EXPECT_FALSE(format.read_one(*message)) << "one is wanted";
  EXPECT_EQ(*format.read_one(*format.write(events.front())), format.read(*format.write(events.front()))->front());
}

struct Refused {
  std::string body;
  std::string message;
};

// Claim:  structured events that break a rule are refused with their place.
// Method: a table.
TEST(CloudEventsStructured, RefusesWithPlace) {
  const std::string good = R"("specversion":"1.0","id":"1","source":"/s","type":"t")";
  const std::vector<Refused> table{
      {R"({"specversion":"1.0","source":"/s","type":"t"})", "attribute id: is missing"},
      {R"({"specversion":"0.3","id":"1","source":"/s","type":"t"})",
       "attribute specversion: is '0.3', must be 1.0"},
      {R"({"specversion":"1.0","id":"","source":"/s","type":"t"})", "attribute id: is empty"},
      {R"({"specversion":"1.0","id":["1"],"source":"/s","type":"t"})", "attribute id: is a list, must be text"},
      {"{" + good + R"(,"Ext":"1"})", "attribute 'Ext': is no name of lower-case letters and digits"},
      {"{" + good + R"(,"ext":1.5})", "attribute ext: is a number, must be text"},
      {"{" + good + R"(,"ext":"a\u0007"})", "attribute ext: holds a control character"},
      {"{" + good + R"(,"id":"2"})", "id: stands twice"},
      {"{" + good + R"(,"time":"yesterday"})", "attribute time: 'yesterday' is no RFC 3339 time of 1678 to 2261"},
      {"{" + good + R"(,"data":1,"data_base64":"AA=="})", "data: stands beside data_base64"},
      {"{" + good + R"(,"data_base64":"A"})", "data_base64: is no Base64 text"},
      {"{" + good + R"(,"datacontenttype":"text/plain","data":{}})",
       "data: is a record, must be text for content type text/plain"},
      {"{" + good + R"(,"headracetags":"x"})", "attribute headracetags: "},
      {"{" + good + R"(,"headraceheaders":"[[\"ce-id\",\"2\"]]"})",
       "attribute headraceheaders: holds what stands in for an attribute"},
      {"[]", "event: is a list, must be a record"},
      {"{", "byte 2: "}};
  const CloudEvents format({Binding::http, Mode::structured, "/shop", {}});
  for (const Refused& refused : table) {
    Message message;
    message.content_type = "Application/CloudEvents+JSON";
    message.body = bytes(refused.body);
    const auto read = format.read(message);
    ASSERT_FALSE(read) << refused.body;
    EXPECT_TRUE(read.error().message().starts_with(refused.message)) << read.error().message();
  }
}

// Claim:  a structured message is refused whose value the parser and the search for its data's text would see
//         differently; data that does so is written as Base64.
// Method: a NUL byte and a quote behind an event; a byte order mark before an event and a batch; an event whose data
//         hides something behind a NUL byte.
TEST(CloudEventsStructured, HidesNothingBehindNulOrBeforeAMark) {
  const std::string event = R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data":1})";
  const std::string mark = "\xEF\xBB\xBF";
  const CloudEvents format({Binding::http, Mode::structured, "/shop", {}});
  const auto read = [&](std::string_view kind, const std::string& body) {
    Message message;
    message.content_type = kind;
    message.body = bytes(body);
    return format.read(message);
  };
  ASSERT_TRUE(read("application/cloudevents+json", event));
  for (const std::string& body : {event + std::string("\0\"", 2), event + std::string(1, '\0'), mark + event}) {
    EXPECT_FALSE(read("application/cloudevents+json", body));
    EXPECT_FALSE(read("application/cloudevents-batch+json", "[" + body + "]"));
  }
  EXPECT_FALSE(read("application/cloudevents-batch+json", mark + "[" + event + "]"));
  EncodedEvent hiding = order();
  hiding.body = bytes(std::string("1\0,\"id\":\"2\"", 11));
  const auto written = format.write(hiding);
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_NE(text(written->body).find("data_base64"), std::string::npos);
  EXPECT_EQ(format.read(*written)->front().body, hiding.body);
}

// Claim:  a message that is no CloudEvent says so and passes raw, unchanged.
// Method: messages without specversion, of another format, over the size limit.
TEST(CloudEvents, OtherMessagesPassRaw) {
  const CloudEvents format({Binding::mqtt5, Mode::binary, "/shop", {}});
  const Message plain{"dev/7", "k", "text/plain", {{"a", "b"}}, bytes("\xff")};
  EXPECT_FALSE(format.is_cloud_event(plain));
  EXPECT_EQ(format.read(plain).error().message(), "message: is no CloudEvent");
  EXPECT_EQ(raw_message(raw_event(plain)), plain);
  EXPECT_TRUE(raw_event(plain).envelope.id);
  EXPECT_EQ(format.read({"", "", "application/cloudevents+avro", {}, {}}).error().message(),
            "content type: 'application/cloudevents+avro' is not known, JSON is");
  Message large = plain;
  large.body.resize((1 << 20) + 1);
  EXPECT_EQ(format.read(large).error().message(), "body: has 1048577 bytes, 1048576 is the most");
  EXPECT_FALSE(CloudEvents({Binding::mqtt311, Mode::structured, "/s", {}}).is_cloud_event(plain));
}

// Claim:  copies of a message that is no CloudEvent share an id where their sender named them: a UUID as it is, another name
//         together with its source; messages without a name are all different.
// Method: versions and differences of the header `message-id`.
TEST(CloudEvents, RawCopiesShareAnId) {
  const auto id_of = [](std::string name, std::string_view source) {
    Message message;
    if (!name.empty()) message.headers = {{"a", "b"}, {"message-id", std::move(name)}};
    const EncodedEvent event = raw_event(message, source);
    EXPECT_EQ(raw_message(event), message);
    return event.envelope.id;
  };
  EXPECT_EQ(id_of("1", "orders"), id_of("1", "orders"));
  EXPECT_NE(id_of("1", "orders"), id_of("2", "orders"));
  EXPECT_NE(id_of("1", "orders"), id_of("1", "plant"));
  EXPECT_NE(id_of("1", "2"), id_of("", "21"));
  EXPECT_EQ(id_of("0190c8a0-0000-7000-8000-0000000000a1", "x").to_string(),
            "0190c8a0-0000-7000-8000-0000000000a1");
  EXPECT_TRUE(id_of("00000000-0000-0000-0000-000000000000", "x"));
  EXPECT_NE(id_of("", "orders"), id_of("", "orders"));
}

// Claim:  the id of a foreign event is the UUID v5 of its source and id; ours stays itself.
// Method: versions and differences.
TEST(CloudEvents, ForeignIdsAreStable) {
  const CloudEvents format({Binding::mqtt5, Mode::binary, "/shop", {}});
  const auto id_of = [&](std::string source, std::string id) {
    Message message;
    message.headers = {
        {"specversion", "1.0"}, {"id", std::move(id)}, {"source", std::move(source)}, {"type", "t"}};
    return format.read(message)->front().envelope.id;
  };
  EXPECT_EQ(id_of("/a", "1"), id_of("/a", "1"));
  EXPECT_NE(id_of("/a", "1"), id_of("/a", "2"));
  EXPECT_NE(id_of("/a", "1"), id_of("/b", "1"));
  EXPECT_NE(id_of("/a1", "1"), id_of("/a", "11"));
  EXPECT_EQ(id_of("/a", "1").to_string()[14], '5');
  const std::string ours = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
  EXPECT_EQ(id_of("/a", ours).to_string(), ours);
}

}  // namespace
}  // namespace headrace::wire
