#include "predicate.hpp"

#include <gtest/gtest.h>

#include "collect.hpp"

namespace headrace::program {
namespace {

bool holds(std::string_view condition) {
  FieldTable mentioned;
  const auto parsed = Predicate::parse(condition, mentioned);
  EXPECT_TRUE(parsed) << condition << ": " << parsed.problem;
  const OneRecord one(mentioned, {{"mag", "4.5"},
                                  {"depth", "10"},
                                  {"net", "us"},
                                  {"place", "50km W of Kodiak, Alaska"},
                                  {"alert", ""},
                                  {"Speed in knots", "120"},
                                  {"ok", "true"}});
  return parsed && (*parsed.value)(one.record);
}

std::pair<std::size_t, std::string> problem(std::string_view condition) {
  FieldTable mentioned;
  const auto parsed = Predicate::parse(condition, mentioned);
  return {parsed.column, parsed.problem};
}

// Claim:  comparisons, and, or, not and parentheses mean what they say, 'and' binding tighter than 'or'.
// Method: a table of conditions on one record.
TEST(Predicate, ComparesAndCombines) {
  for (const char* yes :
       {"mag >= 4.5", "mag == 4.50", "mag > 4 and net == 'us'", "mag > 9 or net == \"us\"", "not mag > 9",
        "not (mag > 9 or net == 'ci')", "place contains 'Alaska'", "alert == ''", "missing == ''",
        "`Speed in knots` >= 1.2e2", "depth > mag", "4 < mag", "ok == true", "net < 'ut'", "net != 'ci'",
        "mag > 9 and mag > 9 or net == 'us'", "net == 'us' or mag > 9 and mag > 9",
        "place == '50km W of Kodiak, Alaska'", "depth == 10 and not not mag > 4"}) {
    EXPECT_TRUE(holds(yes)) << yes;
  }
  for (const char* no : {"mag > 4.5", "mag < 10 and net == 'ci'", "net > 5", "net != 5", "missing != 5",
                         "missing < 5", "place contains 'Hawaii'", "mag == '4.50'", "ok == false"}) {
    EXPECT_FALSE(holds(no)) << no;
  }
}

// Claim:  a mistake is told with the column where it is.
// Method: a table of mistakes.
TEST(Predicate, TellsTheColumnOfAMistake) {
  using Problem = std::pair<std::size_t, std::string>;
  EXPECT_EQ(problem("mag >= and x == 1"), (Problem{7, "expected a field, a number or a text to compare with"}));
  EXPECT_EQ(problem("mag"), (Problem{3, "expected one of == != < <= > >= contains"}));
  EXPECT_EQ(problem("(mag > 1"), (Problem{8, "expected ')'"}));
  EXPECT_EQ(problem("mag > 1 mag < 2"), (Problem{8, "expected 'and', 'or' or the end here"}));
  EXPECT_EQ(problem("mag > 1 && x < 2"), (Problem{8, "'&' means nothing here; write 'and', 'or', 'not'"}));
  EXPECT_EQ(problem("net == 'us"), (Problem{7, "this ' is never closed"}));
  EXPECT_EQ(problem("mag > 4x"), (Problem{6, "'4x' is not a number"}));
  EXPECT_EQ(problem(""), (Problem{0, "a condition starts with a field, a number or a text"}));
}

// Claim:  no condition is too deep for the stack.
// Method: parentheses and chains far beyond the limits.
TEST(Predicate, DepthIsBounded) {
  EXPECT_EQ(problem(std::string(100'000, '(')).second, "nested too deeply");
  std::string chain = "a == 1";
  for (int i = 0; i < 100'000; ++i) chain += " or a == 1";
  EXPECT_EQ(problem(chain).second, "too long a condition");
}

}  // namespace
}  // namespace headrace::program
