#include "enrichment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>

namespace headrace::program {
namespace {

constexpr std::string_view kDevices = "device,site,floor,note\n7,north,2,\n8,\"south, old\",,\n";

Enrichment by_device(WithoutRow without = WithoutRow::pass) {
  auto table = LookupTable::parse_csv(kDevices, "devices.csv");
  EXPECT_TRUE(table) << table.error().message();
  return Enrichment("device", std::make_shared<const LookupTable>(std::move(*table)), without);
}

std::string enriched(Enrichment& enrichment, std::string_view body) {
  Message message;
  const auto bytes = std::as_bytes(std::span(body));
  message.body.assign(bytes.begin(), bytes.end());
  const Status done = enrichment(message);
  if (!done) return "error: " + done.error().what;
  return {reinterpret_cast<const char*>(message.body.data()), message.body.size()};
}

// Claim:  a body gets what the table knows of its key, keeps what it has, and stays as it is otherwise.
// Method: bodies with the key as a number and a text, with a field of the table's names, be it an empty object, with
//         braces and space behind.
TEST(Enrichments, AddWhatTheTableKnows) {
  Enrichment enrichment = by_device();
  EXPECT_EQ(enriched(enrichment, R"({"device": 7, "t": 1.50})"),
            R"({"device": 7, "t": 1.50,"site":"north","floor":2})");
  EXPECT_EQ(enriched(enrichment, R"({"device":"8"})"), R"({"device":"8","site":"south, old"})");
  EXPECT_EQ(enriched(enrichment, R"({"device":7,"site":"mine"})"), R"({"device":7,"site":"mine","floor":2})");
  EXPECT_EQ(enriched(enrichment, R"({"device":7,"site":{}})"), R"({"device":7,"site":{},"floor":2})");
  EXPECT_EQ(enriched(enrichment, R"({"device":7,"site":{"a":1}})"), R"({"device":7,"site":{"a":1},"floor":2})");
  EXPECT_EQ(enriched(enrichment, "{\"device\":7,\"a\":\"}\"\n}\n"),
            "{\"device\":7,\"a\":\"}\"\n,\"site\":\"north\",\"floor\":2}\n");
}

// Claim:  a message whose key the table does not have passes, or is an error if told so; a body that is no JSON object
//         is one always.
// Method: a key that is not there, a body without the field, bodies that are none.
TEST(Enrichments, KeysThatAreNotThereAreAnErrorIfToldSo) {
  Enrichment passing = by_device();
  Enrichment strict = by_device(WithoutRow::reject);
  for (const std::string_view body : {R"({"device":9})", R"({"x":1})", "{}"}) {
    EXPECT_EQ(enriched(passing, body), body);
    EXPECT_TRUE(enriched(strict, body).starts_with("error: the table has no")) << body;
  }
  for (const std::string_view body : {"", "7", "[]", "{\"device\":7", "{\"device\":7,\"device\":8}"}) {
    EXPECT_TRUE(enriched(passing, body).starts_with("error: ")) << body;
  }
}

// Claim:  tables are read from CSV and JSON alike; a mistake is told with the line of CSV; another text has another
//         fingerprint.
// Method: the same table in both; a key twice, a row too long, JSON that is no table, a file that is not there.
TEST(LookupTables, AreReadFromCsvAndJson) {
  const auto csv = LookupTable::parse_csv(kDevices, "devices.csv");
  const auto json =
      LookupTable::parse_json(R"({"7": {"site": "north", "floor": 2}, "8": {"site": "south, old"}})", "t");
  ASSERT_TRUE(csv && json);
  EXPECT_EQ(csv->size(), 2U);
  for (const std::string key : {"7", "8"}) {
    auto expected = *json->find(key);
    auto found = *csv->find(key);
    std::ranges::sort(expected);
    std::ranges::sort(found);
    EXPECT_EQ(found, expected);
  }
  EXPECT_NE(csv->fingerprint(), json->fingerprint());
  const auto says = [](const Result<LookupTable>& table) {
    return table ? std::string("fine") : table.error().message();
  };
  EXPECT_NE(says(LookupTable::parse_csv("k,v\n1,a\n1,b\n", "t.csv")).find("line 3: key '1' occurs twice"),
            std::string::npos);
  EXPECT_NE(says(LookupTable::parse_csv("k,v\n1,a,b\n", "t.csv")).find("line 2"), std::string::npos);
  for (const std::string_view text : {"[]", "{\"a\": 1}", "{"}) EXPECT_FALSE(LookupTable::parse_json(text, "t"));
  EXPECT_NE(says(LookupTable::load("nowhere/t.csv")).find("cannot be read"), std::string::npos);
  EXPECT_EQ(says(LookupTable::parse_csv("", "t.csv")), "fine");
}

}  // namespace
}  // namespace headrace::program
