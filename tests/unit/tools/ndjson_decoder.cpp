#include "ndjson_decoder.hpp"

#include <gtest/gtest.h>

#include "collect.hpp"
#include "json_text.hpp"

namespace headrace::program {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Collected ndjson(std::string_view text, NdjsonOptions options = {}, std::size_t piece = SIZE_MAX) {
  return decode<NdjsonDecoder>(text, options, piece);
}

// Claim:  nested objects become dotted names; arrays keep their JSON; null is empty.
// Method: one record with all types.
TEST(NdjsonDecoder, FlattensObjectsAndKeepsArrays) {
  const auto found =
      ndjson(R"({"id":"q1","p":{"mag":4.50,"n":-3,"ok":true,"none":null},"at":[1,{"x":["a\"b",null]},[]]})");
  EXPECT_EQ(found.names, (Rows{{"id", "p.mag", "p.n", "p.ok", "p.none", "at"}}));
  EXPECT_EQ(found.records, (Rows{{"q1", "4.50", "-3", "true", "", R"([1,{"x":["a\"b",null]},[]])"}}));
}

// Claim:  each kind of bad line is rejected with its number and a reason; the good ones between are read.
// Method: broken JSON, an array, a number, a duplicate key, too deep, too long.
TEST(NdjsonDecoder, BadLinesAreRejectedOneByOne) {
  NdjsonOptions options;
  options.record_bytes_max = 64;
  options.depth_max = 3;
  const std::string text = "{\"a\":1}\n{\"a\":\n[1]\n5\n{\"a\":1,\"a\":2}\n{\"a\":[[[1]]]}\n{\"a\":\"" +
                           std::string(80, 'x') + "\"}\r\n\r\n{\"a\":2}";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const auto found = ndjson(text, options, piece);
    EXPECT_EQ(found.records, (Rows{{"1"}, {"2"}}));
    EXPECT_EQ(found.lines, (std::vector<std::uint64_t>{1, 9}));
    ASSERT_EQ(found.rejects.size(), 6U);
    EXPECT_EQ(found.rejects[0].first, 2U);
    EXPECT_TRUE(found.rejects[0].second.starts_with("JSON, column ")) << found.rejects[0].second;
    EXPECT_EQ(found.rejects[1].second, "not a JSON object");
    EXPECT_EQ(found.rejects[2].second, "not a JSON object");
    EXPECT_EQ(found.rejects[3].second, "key 'a' occurs twice");
    EXPECT_EQ(found.rejects[4].second, "nested deeper than 3 levels");
    EXPECT_EQ(found.rejects[5], (std::pair<std::uint64_t, std::string>{7, "longer than 64 bytes"}));
  }
}

// Claim:  a line is its object alone: what stands behind a NUL byte is not passed over, and the stream's byte order
//         mark is the only one.
// Method: a NUL byte behind an object and inside a text; the mark at the start of the stream, twice, and of a line.
TEST(NdjsonDecoder, NulBytesAndMarksInsideAreRejected) {
  const std::string mark = "\xEF\xBB\xBF";
  const std::string nul(1, '\0');
  const auto found = ndjson(mark + "{\"a\":1}\n{\"a\":2}" + nul + "rest\n{\"a\":\"" + nul + "\"}\n" + mark +
                            "{\"a\":3}\n{\"a\":4}\n");
  EXPECT_EQ(found.records, (Rows{{"1"}, {"4"}}));
  ASSERT_EQ(found.rejects.size(), 3U);
  EXPECT_EQ(found.rejects[0].second, "JSON, column 8: a NUL byte");
  EXPECT_EQ(found.rejects[1].second, "JSON, column 7: a NUL byte");
  EXPECT_EQ(found.rejects[2].second, "JSON, column 1: a byte order mark");
  EXPECT_EQ(ndjson(mark + mark + "{\"a\":1}").rejects.size(), 1U);
}

// Claim:  the number of different sets of keys is bounded, and known ones go on being read.
// Method: three shapes under a limit of two.
TEST(NdjsonDecoder, ShapesAreBounded) {
  FieldTable mentioned;
  SchemaPool schemas(mentioned, 2);
  NdjsonDecoder decoder({}, schemas);
  Collected found;
  ASSERT_EQ(decoder.feed("{\"a\":1}\n{\"b\":1}\n{\"c\":1}\n{\"a\":2}\n", found), Flow::go_on);
  EXPECT_EQ(found.records.size(), 3U);
  ASSERT_EQ(found.rejects.size(), 1U);
  EXPECT_EQ(found.rejects[0].first, 3U);
}

// Claim:  what is read is written again with the same types, and always as JSON.
// Method: a round trip; then control characters and bytes that are no UTF-8.
TEST(JsonText, RecordsAreWrittenAsTheyWereRead) {
  FieldTable mentioned;
  SchemaPool schemas(mentioned);
  NdjsonDecoder decoder({}, schemas);
  struct Writer final : DecoderSink {
    std::string out;
    Flow on_record(Record record) override { return append_json(out, record), Flow::go_on; }
    Flow on_reject(const Reject&) override { return Flow::go_on; }
  } writer;
  const std::string line = R"({"s":"1","n":1.50,"b":false,"z":null,"a":["x",{"k":1}]})";
  ASSERT_EQ(decoder.feed(line + "\n", writer), Flow::go_on);
  EXPECT_EQ(writer.out, line);

  std::string out;
  append_json_string(out, "tab\t\x01 \xFF\xC3\xA9 \xED\xA0\x80");
  EXPECT_EQ(out, "\"tab\\t\\u0001 \\ufffd\xC3\xA9 \\ufffd\\ufffd\\ufffd\"");
}

// Claim:  only what JSON calls a number is written without quotes.
// Method: a table of both.
TEST(JsonText, KnowsJsonNumbers) {
  for (const char* yes : {"0", "-1", "1.5", "1e9", "-0.25E-3", "10"}) EXPECT_TRUE(is_json_number(yes)) << yes;
  for (const char* no : {"", "-", "01", "+1", ".5", "1.", "1e", "nan", "1 ", "0x1"})
    EXPECT_FALSE(is_json_number(no)) << no;
}

}  // namespace
}  // namespace headrace::program
