#include "headrace/event/upcaster.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace headrace {
namespace {

namespace v1 {
struct Order {
  std::string name;
};
HEADRACE_EVENT(Order, "shop.order", version(1), name)
}  // namespace v1
namespace v2 {
struct Order {
  std::string first, last;
};
HEADRACE_EVENT(Order, "shop.order", version(2), first, last)
}  // namespace v2
struct Order {
  std::string first, family;
};
HEADRACE_EVENT(Order, "shop.order", version(3), first, family)

Upcasters both_steps() {
  Upcasters upcasters;
  upcasters.add<v1::Order, v2::Order>([](const v1::Order& old) {
    const auto space = old.name.find(' ');
    if (space == std::string::npos) throw std::invalid_argument("no space in '" + old.name + "'");
    return v2::Order{old.name.substr(0, space), old.name.substr(space + 1)};
  });
  upcasters.add("shop.order", 2, [](FieldValue& fields) -> Status {
    if (!fields.rename("last", "family")) return Error{"no last name", "last"};
    return Nothing{};
  });
  upcasters.require<Order>();
  return upcasters;
}

// Claim:  an old event passes every step from its version on, typed and untyped ones.
// Method: events of versions 1, 2 and 3.
TEST(Upcasters, LeadFromEachVersionToThePresentOne) {
  const Upcasters upcasters = both_steps();
  EXPECT_TRUE(upcasters.check());
  const FieldValue expected = to_fields(Order{"Ada", "King"});
  FieldValue one = to_fields(v1::Order{"Ada King"});
  ASSERT_TRUE(upcasters.upcast("shop.order", 1, 3, one));
  EXPECT_EQ(one, expected);
  FieldValue two = to_fields(v2::Order{"Ada", "King"});
  ASSERT_TRUE(upcasters.upcast("shop.order", 2, 3, two));
  EXPECT_EQ(two, expected);
  FieldValue three = expected;
  ASSERT_TRUE(upcasters.upcast("shop.order", 3, 3, three));
  EXPECT_EQ(three, expected);
}

// Claim:  a step that fails or throws says which it was and why.
// Method: both kinds.
TEST(Upcasters, NameTheStepThatFailed) {
  const Upcasters upcasters = both_steps();
  FieldValue one = to_fields(v1::Order{"Ada"});
  EXPECT_EQ(upcasters.upcast("shop.order", 1, 3, one).error().message(),
            "shop.order: the step from version 1 to 2 failed: no space in 'Ada'");
  FieldValue missing = FieldValue::Record{};
  EXPECT_EQ(upcasters.upcast("shop.order", 1, 3, missing).error().message(),
            "shop.order: the step from version 1 to 2 failed: shop.order: name: is missing");
  EXPECT_EQ(upcasters.upcast("shop.order", 2, 3, missing).error().message(),
            "shop.order: the step from version 2 to 3 failed: last: no last name");
}

// Claim:  a version is judged before anything is decoded.
// Method: too new, zero, no way up.
TEST(Upcasters, RefuseVersionsThatTheyDoNotKnow) {
  const Upcasters upcasters = both_steps();
  EXPECT_EQ(upcasters.check_version("shop.order", 4, 3).error().message(),
            "shop.order: version 4 is newer than 3, the newest known here");
  EXPECT_EQ(upcasters.check_version("shop.order", 0, 3).error().message(),
            "shop.order: version 0: versions begin at 1");
  EXPECT_EQ(upcasters.check_version("shop.other", 1, 2).error().message(),
            "shop.other: the step from version 1 to 2 is missing");
}

// Claim:  start-up finds what lacks and what leads nowhere; a step cannot be registered twice.
// Method: each of them.
TEST(Upcasters, AreCheckedAtStartUp) {
  const auto nothing = [](FieldValue&) -> Status { return Nothing{}; };
  Upcasters upcasters;
  upcasters.add("a", 2, nothing);
  upcasters.add("a", 4, nothing);
  upcasters.require("a", 1, 4);
  upcasters.add("b", 1, nothing);
  EXPECT_EQ(upcasters.check().error().message(),
            "upcasters: a: the step from version 1 to 2 is missing; a: the step from version 3 to 4 is missing; "
            "a: the step from version 4 to 5 leads beyond the newest version");
  EXPECT_THROW(upcasters.add("a", 2, nothing), ConfigError);
  EXPECT_THROW(upcasters.add("a", 0, nothing), ConfigError);
  EXPECT_THROW(upcasters.add("a", 9, nullptr), ConfigError);
  EXPECT_THROW(upcasters.require("a", 3, 2), ConfigError);
}

// Claim:  steps of one topic are checked against the newest version that a program has: from the oldest step, or from the
//         oldest version required.
// Method: each, and a topic of which nothing is known.
TEST(Upcasters, AreCheckedAgainstTheNewestVersion) {
  const auto nothing = [](FieldValue&) -> Status { return Nothing{}; };
  Upcasters upcasters;
  upcasters.add("a", 2, nothing);
  EXPECT_TRUE(upcasters.check_topic("b", 7));
  EXPECT_TRUE(upcasters.check_topic("a", 3)) << "nothing older is expected";
  EXPECT_EQ(upcasters.check_topic("a", 4).error().message(),
            "upcasters: a: the step from version 3 to 4 is missing");
  EXPECT_EQ(upcasters.check_topic("a", 2).error().message(),
            "upcasters: a: the step from version 2 to 3 leads beyond the newest version");
  upcasters.require("a", 1, 3);
  EXPECT_EQ(upcasters.check_topic("a", 3).error().message(),
            "upcasters: a: the step from version 1 to 2 is missing");
}

}  // namespace
}  // namespace headrace
