#include "headrace/wire/codecs.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "body_text.hpp"
#include "described.hpp"
#include "headrace/wire/schema.hpp"

namespace headrace::wire {
namespace {

using namespace test;

std::vector<std::byte> hex(std::string_view digits) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  }
  return out;
}
std::string fault(const Codec& codec, const std::vector<std::byte>& body) {
  const auto read = codec.decode(body);
  return read ? "taken" : read.error().message();
}

struct AllCodecs : testing::TestWithParam<const Codec*> {};
const JsonCodec kJson;
const CborCodec kCbor;
const MessagePackCodec kMessagePack;

// Claim:  a described event survives each codec, whatever its members are.
// Method: one member of each kind with values at the ends of their ranges; all defaults; an older version.
TEST_P(AllCodecs, EveryKindOfMemberComesBack) {
  for (const Everything& event : {full_event(), Everything{}}) {
    const auto encoded = encode_event(*GetParam(), event);
    ASSERT_TRUE(encoded) << encoded.error().message();
    const auto back = decode_event<Everything>(*GetParam(), *encoded);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, event);
  }
}

// Claim:  what is written, the library that others use reads as the same values.
// Method: nlohmann's parsers on our bytes, compared with the JSON text.
TEST_P(AllCodecs, OthersReadWhatIsWritten) {
  FieldValue fields = to_fields(full_event());
  fields.remove("raw");    // JSON has no bytes
  fields.remove("ratio");  // CBOR writes four bytes, which the library then widens
  for (const std::int64_t number :
       {0, 23, 24, 127, 128, 255, 256, 65535, 65536, -1, -24, -25, -32, -33, -128, -129, -32768, -32769}) {
    fields.set("n" + std::to_string(number), number);
  }
  fields.set("lowest", std::numeric_limits<std::int64_t>::min());
  fields.set("four", std::int64_t{0xffff'ffff});
  fields.set("five", std::int64_t{0x1'0000'0000});
  fields.set("long", std::string(300, 'x'));
  fields.set("longer", std::string(70'000, 'y'));
  fields.set("many", FieldValue::List(70'000));
  const auto body = *GetParam()->encode(fields);
  const auto* begin = reinterpret_cast<const std::uint8_t*>(body.data());
  const nlohmann::json expected = nlohmann::json::parse(text(*kJson.encode(fields)));
  nlohmann::json read;
  if (GetParam() == &kJson) read = expected;
  if (GetParam() == &kCbor) read = nlohmann::json::from_cbor(begin, begin + body.size());
  if (GetParam() == &kMessagePack) read = nlohmann::json::from_msgpack(begin, begin + body.size());
  EXPECT_EQ(read, expected);
  EXPECT_EQ(*GetParam()->decode(body), fields);
}

// Claim:  nothing is written that would not be read: the limits and rules hold for encoding too.
// Method: a fault of each kind, at a known place.
TEST_P(AllCodecs, RefuseToWriteWhatTheyWouldNotRead) {
  const auto refuse = [](FieldValue value) {
    FieldValue fields = to_fields(Line{});
    FieldValue::List list;
    list.push_back(1);
    list.push_back(std::move(value));
    fields.set("x", std::move(list));
    const auto written = GetParam()->encode(fields);
    return written ? "taken" : written.error().message();
  };
  EXPECT_EQ(refuse(std::string("a\0b", 3)), "x[1]: holds NUL");
  EXPECT_EQ(refuse("\xff"), "x[1]: is not UTF-8");
  EXPECT_EQ(refuse(std::string((1 << 18) + 1, 'x')), "x[1]: has 262145 bytes, 262144 is the most");
  EXPECT_EQ(refuse(FieldValue::Bytes((1 << 18) + 1)), "x[1]: has 262145 bytes, 262144 is the most");
  FieldValue::Record twice;
  twice.push_back({"a", 1});
  twice.push_back({"a", 2});
  EXPECT_EQ(refuse(twice), "x[1].a: stands twice");
  FieldValue deep;
  for (int i = 0; i < 63; ++i) deep = FieldValue(FieldValue::List(1, deep));
  EXPECT_NE(refuse(deep).find("is deeper than 64 levels"), std::string::npos);
  EXPECT_EQ(GetParam()->encode(FieldValue::List(300'000)).error().message().find("body: "), std::string::npos);
  CodecLimits small;
  small.body_bytes_max = 10;
  EXPECT_EQ(JsonCodec(small).encode("0123456789").error().message(), "body: has 12 bytes, 10 is the most");
  EXPECT_EQ(CborCodec(small).encode("0123456789").error().message(), "body: has 11 bytes, 10 is the most");
  EXPECT_EQ(MessagePackCodec(small).decode(bytes("01234567890")).error().message(),
            "body: has 11 bytes, 10 is the most");
}

// Claim:  a body that was cut short anywhere is refused.
// Method: every prefix of a full event.
TEST_P(AllCodecs, RefuseEveryPrefix) {
  const auto body = encode_event(*GetParam(), full_event())->body;
  for (std::size_t size = 0; size < body.size(); ++size) {
    ASSERT_FALSE(GetParam()->decode(std::span(body).first(size))) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Wire, AllCodecs, testing::Values(&kJson, &kCbor, &kMessagePack),
                         [](const auto& codec) { return std::string(codec.param->content_type().substr(12)); });

// Claim:  strict JSON: each kind of bad text is refused with its place.
// Method: a table.
TEST(JsonCodec, RefusesWithPlace) {
  EXPECT_EQ(fault(kJson, bytes("")),
            "byte 1: syntax error while parsing value - unexpected end of input; expected '[', '{', or a literal");
  EXPECT_EQ(fault(kJson, bytes(R"({"a":1,"b":{"c":1,"c":2}})")), "b.c: stands twice");
  EXPECT_EQ(fault(kJson, bytes(R"({"a":["x","\u0000"]})")), "a[1]: holds NUL");
  EXPECT_EQ(
      fault(kJson, bytes(std::string(65, '['))),
      "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"
      "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"
      "[0][0][0][0][0][0][0][0]: is deeper than 64 levels");
  for (const char* bad : {"{}x", "{\"a\":}", "[1,]", "\"\xff\"", "01", "+1", ".5", "NaN", "'a'", "1e999",
                          "// c\n1", "\"\\ud800\"", "\xef\xbb", "{\"a\":1"}) {
    EXPECT_FALSE(kJson.decode(bytes(bad))) << bad;
  }
  EXPECT_EQ(kJson.decode(bytes("18446744073709551616"))->kind(), "a number");
  std::string many = "{";
  for (int i = 0; i < 50; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  EXPECT_EQ(fault(kJson, bytes(many + "\"k20\":1}")), "k20: stands twice");
}

// Claim:  a body is its value and white space alone: nothing hides behind a NUL byte, and no byte order mark before
//         the value.
// Method: a NUL byte at every place of a body, and behind it; the mark before an object, a list, a number and nothing.
TEST(JsonCodec, RefusesNulBytesAndAByteOrderMark) {
  const std::string good = R"({"a":"x"})";
  for (std::size_t at = 0; at <= good.size(); ++at) {
    std::string bad = good;
    bad.insert(at, 1, '\0');
    EXPECT_EQ(fault(kJson, bytes(bad)), "byte " + std::to_string(at + 1) + ": is NUL, which JSON does not have");
    EXPECT_FALSE(kJson.decode(bytes(bad + "rest"))) << at;
  }
  for (const char* text : {"{}", "[{}]", "1", ""}) {
    EXPECT_EQ(fault(kJson, bytes(std::string("\xEF\xBB\xBF") + text)),
              "byte 1: is a byte order mark, which JSON does not have");
  }
  EXPECT_TRUE(kJson.decode(bytes("{\"a\":\"\xEF\xBB\xBF\"}"))) << "inside a text it is a character";
}

// Claim:  JSON has no place for infinities; the path says where one stood.
// Method: both, and NaN, inside a list.
TEST(JsonCodec, RefusesToWriteInfinities) {
  for (const double number : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    FieldValue fields;
    fields.set("x", FieldValue::List{1, number});
    EXPECT_EQ(kJson.encode(fields).error().message(), "x[1]: is no finite number, which JSON cannot hold");
    EXPECT_TRUE(kCbor.encode(fields));
  }
}

// Claim:  CBOR reads as RFC 8949's examples say.
// Method: its appendix A, as far as it speaks of what fields can hold.
TEST(CborCodec, ReadsTheExamplesOfTheRfc) {
  const std::vector<std::pair<const char*, const char*>> examples{
      {"00", "0"},
      {"1818", "24"},
      {"1bffffffffffffffff", "18446744073709551615"},
      {"20", "-1"},
      {"3903e7", "-1000"},
      {"f90000", "0.0"},
      {"f93c00", "1.0"},
      {"f97bff", "65504.0"},
      {"f90001", "5.960464477539063e-08"},
      {"f9c400", "-4.0"},
      {"fa47c35000", "1e+05"},
      {"fb3ff199999999999a", "1.1"},
      {"f4", "false"},
      {"f6", "null"},
      {"f7", "null"},
      {"62c3bc", "\"\xc3\xbc\""},
      {"7f657374726561646d696e67ff", "\"streaming\""},
      {"5f42010243030405ff", "\"AQIDBAU=\""},
      {"83010203", "[1,2,3]"},
      {"9f018202039f0405ffff", "[1,[2,3],[4,5]]"},
      {"bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}"},
      {"c11a514b67b0", "1363896240"},
      {"d74401020304", "\"AQIDBA==\""},
      {"d818456449455446", "\"ZElFVEY=\""}};
  for (const auto& [encoded, json] : examples) {
    const auto read = kCbor.decode(hex(encoded));
    ASSERT_TRUE(read) << encoded << read.error().message();
    EXPECT_EQ(text(*kJson.encode(*read)), json) << encoded;
  }
}

// Claim:  what is no CBOR, or CBOR that fields cannot hold, is refused; nesting ends nowhere but at a limit.
// Method: a table of hex; long runs of openings of every kind.
TEST(CborCodec, RefusesWhatItCannotHold) {
  for (const char* bad : {"1c",
                          "1f",
                          "3bffffffffffffffff",
                          "5f",
                          "5f6161ff",
                          "7f4161ff",
                          "7f7f6161ffff",
                          "ff",
                          "a10102",
                          "a16161",
                          "bf6161ff",
                          "9bffffffffffffffff",
                          "5bffffffffffffffff",
                          "f0",
                          "f801",
                          "0000",
                          "61ff",
                          "6100",
                          "c1",
                          "a2616101616102"}) {
    EXPECT_FALSE(kCbor.decode(hex(bad))) << bad;
  }
  for (const int opening : {0x7f, 0x5f, 0x9f, 0xbf, 0x81, 0xc1, 0xa1}) {
    EXPECT_FALSE(kCbor.decode(std::vector<std::byte>(1 << 20, static_cast<std::byte>(opening)))) << opening;
  }
  EXPECT_EQ(fault(kCbor, hex("83010202ff")), "byte 4: something follows the value");
}

// Claim:  MessagePack's extension types are refused, as are long runs of openings.
// Method: one of each.
TEST(MessagePackCodec, RefusesWhatItCannotHold) {
  EXPECT_EQ(fault(kMessagePack, hex("81a161d40101")), "a: is of an extension type");
  EXPECT_EQ(fault(kMessagePack, hex("92a161a1ff")), "[1]: is not UTF-8");
  for (const int opening : {0x91, 0x81, 0xdd}) {
    EXPECT_FALSE(kMessagePack.decode(std::vector<std::byte>(1 << 20, static_cast<std::byte>(opening)))) << opening;
  }
}

// Claim:  the schema id names topic and version; the schema says of each member what the codec writes.
// Method: ids back and forth; the schema parsed, a sample of each kind.
TEST(Schema, ComesFromTheDescription) {
  EXPECT_EQ(schema_id<Everything>(), "urn:headrace:schema:test.everything:3");
  EXPECT_EQ(schema_id("a b/c:%", 1), "urn:headrace:schema:a%20b/c%3A%25:1");
  EXPECT_EQ(schema_version(schema_id("a b/c:%", 12), "a b/c:%"), 12U);
  for (const char* other : {"urn:headrace:schema:a:", "urn:headrace:schema:a:0", "urn:headrace:schema:a:1x",
                            "urn:headrace:schema:b:1", "urn:headrace:schema:a:4294967296", ""}) {
    EXPECT_FALSE(schema_version(other, "a")) << other;
  }
  const auto schema = nlohmann::json::parse(json_schema<Everything>());
  EXPECT_EQ(schema["$id"], schema_id<Everything>());
  EXPECT_EQ(schema["$ref"], "#/$defs/test.everything");
  const auto& root = schema["$defs"]["test.everything"];
  const auto& members = root["properties"];
  EXPECT_EQ(members["tiny"], nlohmann::json::parse(R"({"type":"integer","minimum":-128,"maximum":127})"));
  EXPECT_EQ(members["large"]["maximum"], 18446744073709551615U);
  EXPECT_EQ(members["side"]["maximum"], 255);
  EXPECT_EQ(members["code"]["maxLength"], 4);
  EXPECT_EQ(members["id"]["format"], "uuid");
  EXPECT_EQ(members["raw"]["contentEncoding"], "base64");
  EXPECT_EQ(members["maybe"]["anyOf"][1]["type"], "null");
  EXPECT_EQ(members["pair"]["minItems"], 2);
  EXPECT_EQ(members["lines"]["items"]["$ref"], "#/$defs/test.line");
  EXPECT_EQ(members["readings"]["additionalProperties"]["type"], "number");
  EXPECT_EQ(schema["$defs"]["test.line"]["required"], (nlohmann::json{"article", "pieces", "price"}));
  const auto& required = root["required"];
  EXPECT_EQ(std::count(required.begin(), required.end(), "maybe"), 0);
  EXPECT_EQ(required.size() + 1, members.size());
}

}  // namespace
}  // namespace headrace::wire
