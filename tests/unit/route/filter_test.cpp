#include "headrace/route/filter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headrace {
namespace {

bool matches(std::string_view filter, std::string_view topic) {
  return Filter::parse(filter).value().matches(topic);
}

struct Case {
  const char* filter;
  const char* topic;
  bool matches;
};

void expect_all(const std::vector<Case>& table) {
  for (const Case& c : table) EXPECT_EQ(matches(c.filter, c.topic), c.matches) << c.filter << " on " << c.topic;
}

// Claim:  MQTT filters match as MQTT 5.0, section 4.7, says.
// Method: the examples of 4.7.1 to 4.7.2 that have no empty level, and their neighbours.
TEST(Filter, FollowsTheRulesOfMqtt) {
  expect_all({
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/tennis/player1/#", "sport/tennis/player2", false},
      {"sport/#", "sport", true},
      {"sport/#", "sports", false},
      {"#", "sport", true},
      {"#", "sport/tennis", true},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player2", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"+", "sport", true},
      {"+", "sport/tennis", false},
      {"+/tennis/#", "sport/tennis", true},
      {"+/tennis/#", "sport/tennis/player1", true},
      {"+/tennis/#", "sport/golf", false},
      {"sport/+/player1", "sport/tennis/player1", true},
      {"sport/+/player1", "sport/player1", false},
      {"+/+", "sport/tennis", true},
      {"+/#", "sport", true},
      {"Sport/#", "sport", false},
      {"sport", "sport", true},
      {"sport/tennis", "sport/tennis", true},
      {"sport/tennis", "sport", false},
      // 4.7.2: a leading wildcard does not match a topic that begins with `$`.
      {"#", "$SYS/uptime", false},
      {"#", "$SYS", false},
      {"+", "$SYS", false},
      {"+/monitor/Clients", "$SYS/monitor/Clients", false},
      {"+/#", "$SYS/uptime", false},
      {"$SYS/#", "$SYS/uptime", true},
      {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
      {"a/#", "a/$b", true},
  });
}

// Claim:  AMQP filters match as a topic exchange does: `*` one word, `#` zero or more, anywhere.
// Method: the examples of AMQP 0-9-1 (3.1.3.3) and of RabbitMQ's topics tutorial, and their neighbours.
TEST(Filter, FollowsTheRulesOfAmqp) {
  expect_all({
      {"*.stock.#", "usd.stock", true},
      {"*.stock.#", "eur.stock.db", true},
      {"*.stock.#", "stock.nasdaq", false},
      {"*.orange.*", "quick.orange.rabbit", true},
      {"*.orange.*", "lazy.orange.elephant", true},
      {"*.orange.*", "quick.orange.male.rabbit", false},
      {"*.orange.*", "orange", false},
      {"*.*.rabbit", "quick.orange.rabbit", true},
      {"*.*.rabbit", "lazy.orange.elephant", false},
      {"lazy.#", "lazy", true},
      {"lazy.#", "lazy.brown.fox", true},
      {"lazy.#", "lazier.fox", false},
      {"#.error", "error", true},
      {"#.error", "app.db.error", true},
      {"#.error", "app.error.db", false},
      {"a.#.z", "a.z", true},
      {"a.#.z", "a.b.c.z", true},
      {"a.#.z", "a.z.b", false},
      {"a.#.z", "a", false},
      {"#.a.#", "a", true},
      {"#.a.#", "a.a", true},
      {"#.a.#", "b.a.c", true},
      {"#.a.#", "b.c", false},
      {"#.#", "a", true},
      {"#.*", "a", true},
      {"*.#.*", "a", false},
      {"*.#.*", "a.b", true},
      {"*", "a", true},
      {"*", "a.b", false},
      {"*.*", "a", false},
      {"quick.orange", "quick.orange", true},
      {"quick.orange", "quick.brown", false},
      {"*.uptime", "$SYS.uptime", true},  // `$` means nothing to AMQP
  });
}

// Claim:  separators are spelling: filters of either syntax see the levels of topics of either.
// Method: each syntax on names written the other way; a `.` inside of a `/` name separates nothing.
TEST(Filter, SeesLevelsHoweverTheyAreSeparated) {
  expect_all({
      {"orders/+", "orders.placed", true},
      {"orders.*", "orders/placed", true},
      {"orders/placed", "orders.placed", true},
      {"orders.placed", "orders/placed", true},
      {"site/+/temp", "site/7.5/temp", true},
      {"site.*.temp", "site/7.5/temp", true},
      {"site.7.5.temp", "site/7.5/temp", false},
      {"#.temp", "site/7.5/temp", true},
      {"site/7.5", "site.7.5", false},
  });
}

// Claim:  syntax and exactness are read off the text.
// Method: one filter of each kind.
TEST(Filter, KnowsItsSyntax) {
  const auto is = [](std::string_view text, Filter::Syntax syntax, bool exact) {
    const Filter filter = Filter::parse(text).value();
    EXPECT_EQ(filter.syntax(), syntax) << text;
    EXPECT_EQ(filter.is_exact(), exact) << text;
    EXPECT_EQ(filter.text(), text);
  };
  is("#", Filter::Syntax::mqtt, false);
  is("+", Filter::Syntax::mqtt, false);
  is("a/b", Filter::Syntax::mqtt, true);
  is("a/#", Filter::Syntax::mqtt, false);
  is("*", Filter::Syntax::amqp, false);
  is("orders", Filter::Syntax::amqp, true);
  is("a.b", Filter::Syntax::amqp, true);
  is("a.#.b", Filter::Syntax::amqp, false);
  is("a/2*3", Filter::Syntax::mqtt, true);  // an ordinary byte of MQTT names
}

struct RefusedFilter {
  std::string filter;
  std::string message;
};

// Claim:  a filter that means nothing is refused with what is wrong, where, and what to write.
// Method: a table with one entry for each rule.
TEST(Filter, RefusesWithReasonAndByte) {
  const std::vector<RefusedFilter> table{
      {"", "filter, byte 0: is empty"},
      {"a//b", "filter, byte 2: a level is empty"},
      {"a.#.", "filter, byte 4: a level is empty"},
      {std::string("a/\0", 3), "filter, byte 2: NUL is not allowed"},
      {"\xff/#", "filter, byte 0: is not UTF-8"},
      {std::string(2000, 'x'), "filter, byte 1024: has 2000 bytes, 1024 is the most"},
      {"sport/#/ranking", "filter, byte 6: '#' must be the last level of an MQTT filter"},
      {"sport/tennis#", "filter, byte 12: '#' must fill its level, this one is 'tennis#'"},
      {"sport+/x", "filter, byte 5: '+' must fill its level, this one is 'sport+'"},
      {"a+", "filter, byte 1: '+' must fill its level, this one is 'a+'"},
      {"a.b*", "filter, byte 3: '*' must fill its level, this one is 'b*'"},
      {"##", "filter, byte 0: '#' must fill its level, this one is '##'"},
      {"a/*", "filter, byte 2: '*' is AMQP's wildcard and '/' or '+' make this filter MQTT's: write '+'"},
      {"a.+.b", "filter, byte 2: '+' is MQTT's wildcard, where '/' separates: write '*', or separate by '/'"},
      {"*.+", "filter, byte 2: '+' is MQTT's wildcard, where '/' separates: write '*', or separate by '/'"},
  };
  for (const RefusedFilter& refused : table) {
    const Result<Filter> parsed = Filter::parse(refused.filter);
    ASSERT_FALSE(parsed) << refused.filter;
    EXPECT_EQ(parsed.error().message(), refused.message);
  }
}

}  // namespace
}  // namespace headrace
