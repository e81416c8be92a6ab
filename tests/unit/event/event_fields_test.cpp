#include "headrace/event/event_fields.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "described.hpp"

namespace headrace {
namespace {

using namespace test;

// Claim:  a described event survives the way to fields and back, whatever its members are.
// Method: one member of each kind, with values at the ends of their ranges, and all defaults.
TEST(EventFields, EveryKindOfMemberComesBack) {
  for (const Everything& event : {full_event(), Everything{}}) {
    const auto back = from_fields<Everything>(to_fields(event));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, event);
  }
}

// Claim:  what is wrong is said with the path to it.
// Method: one field of a good event changed at a time.
TEST(EventFields, FaultsCarryTheirPath) {
  struct Case {
    std::string field;
    FieldValue value;
    std::string message;
  };
  FieldValue::List lines;
  lines.push_back(to_fields(Line{"pen", 1, 2}));
  lines.push_back(to_fields(Line{"ink", 1, 2}));
  FieldValue::List wrong_type = lines;
  wrong_type[1].set("pieces", "three");
  FieldValue::List missing = lines;
  missing[0].remove("price");
  FieldValue::Record readings;
  readings.push_back({"temp", "warm"});
  FieldValue::Record names;
  names.push_back({"7a", "x"});
  const std::vector<Case> cases{
      {"flag", 1, "test.everything: flag: is an integer, must be a boolean"},
      {"tiny", 128, "test.everything: tiny: is out of range, must be an integer of -128 to 127"},
      {"tiny", 1.0, "test.everything: tiny: is a number, must be an integer of -128 to 127"},
      {"large", -1, "test.everything: large: is out of range, must be an integer of 0 to 18446744073709551615"},
      {"side", 256, "test.everything: side: is out of range, must be an integer of 0 to 255"},
      {"ratio", 1e39, "test.everything: ratio: is out of range of a float"},
      {"name", FieldValue(), "test.everything: name: is nothing, must be text"},
      {"code", "ABCDE", "test.everything: code: has 5 bytes, 4 is the most"},
      {"id", "017f", "test.everything: id: is text, must be the text of a UUID"},
      {"raw", "AB=", "test.everything: raw: is text, must be bytes, or Base64"},
      {"pair", FieldValue::List{}, "test.everything: pair: has 0 items, must have 2"},
      {"lines", wrong_type, "test.everything: lines[1].pieces: is text, must be an integer of 0 to 4294967295"},
      {"lines", missing, "test.everything: lines[0].price: is missing"},
      {"readings", readings, "test.everything: readings.temp: is text, must be a number"},
      {"names", names, "test.everything: names.7a: the name is no integer of that type"},
  };
  for (const Case& wrong : cases) {
    FieldValue fields = to_fields(full_event());
    fields.set(wrong.field, wrong.value);
    const auto read = from_fields<Everything>(fields);
    ASSERT_FALSE(read) << wrong.message;
    EXPECT_EQ(read.error().message(), wrong.message);
    EXPECT_EQ(read.error().retry, Error::Retry::no);
  }
  EXPECT_EQ(from_fields<Line>(FieldValue(3)).error().message(), "test.line: is an integer, must be a record");
}

// Claim:  unknown fields are ignored; an optional one may be absent or nothing.
// Method: both, on a good event.
TEST(EventFields, UnknownFieldsAreIgnored) {
  FieldValue fields = to_fields(full_event());
  fields.set("later", FieldValue::List{});
  fields.set("maybe", FieldValue());
  Everything expected = full_event();
  expected.maybe.reset();
  EXPECT_EQ(*from_fields<Everything>(fields), expected);
  fields.remove("maybe");
  EXPECT_EQ(*from_fields<Everything>(fields), expected);
}

// Claim:  equal integers are equal fields, whatever type they came from.
// Method: the same numbers by several types; the limits.
TEST(FieldValue, IntegersHaveOneForm) {
  EXPECT_EQ(FieldValue(std::uint8_t{5}), FieldValue(std::int64_t{5}));
  EXPECT_EQ(FieldValue(std::numeric_limits<std::uint64_t>::max()).integer<std::uint64_t>(),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(FieldValue(std::numeric_limits<std::uint64_t>::max()).integer<std::int64_t>());
  EXPECT_FALSE(FieldValue(-1).integer<std::uint64_t>());
  EXPECT_FALSE(FieldValue(true).integer<int>());
}

// Claim:  Base64 is RFC 4648's, and text that it would not write is refused.
// Method: the RFC's examples both ways; each kind of damage.
TEST(Base64, IsThatOfTheRfc) {
  const std::vector<std::pair<std::string, std::string>> examples{{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : examples) {
    const auto bytes = std::as_bytes(std::span(plain));
    EXPECT_EQ(to_base64(bytes), encoded);
    EXPECT_EQ(from_base64(encoded), std::vector<std::byte>(bytes.begin(), bytes.end()));
  }
  for (const char* damaged : {"Zg", "Zg=", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9", "Zm9v\n", "====", "Zm-_"}) {
    EXPECT_FALSE(from_base64(damaged)) << damaged;
  }
}

// Claim:  the key of an event has a text where its type has one.
// Method: text, a number, none.
TEST(EventFields, KeyHasAText) {
  EXPECT_EQ(event_key_text(full_event()), full_event().name);
  EXPECT_EQ(event_key_text(Line{}), "");
}

}  // namespace
}  // namespace headrace
