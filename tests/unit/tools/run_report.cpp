#include "run_report.hpp"

#include <gtest/gtest.h>

#include "pacer.hpp"
#include "suggestion.hpp"
#include "text_table.hpp"

namespace headrace::program {
namespace {

std::string last_line(const RunReport& report) {
  const std::string text = to_text(report);
  const std::size_t end = text.find_last_not_of('\n') + 1;
  return text.substr(text.rfind('\n', end - 1) + 1, end - 1 - text.rfind('\n', end - 1));
}

// Claim:  the last line of the report is the ledger's, and says so when it does not balance or is not settled.
// Method: a ledger that balances, one that misses an event, one with an event still in flight.
TEST(RunReport, LastLineIsTheLedger) {
  RunReport report;
  report.ledger = {.published = 10, .handled = 6, .dropped = 1, .unrouted = 2, .failed = 1};
  EXPECT_TRUE(report.balanced());
  EXPECT_EQ(last_line(report),
            "ledger balanced: published 10 = handled 6 + dropped 1 + unrouted 2 + failed 1 + in flight 0");
  report.ledger.handled = 5;
  EXPECT_FALSE(report.balanced());
  EXPECT_TRUE(last_line(report).starts_with("ledger NOT balanced: published 10 = "));
  report.ledger.in_flight = 1;
  EXPECT_FALSE(report.balanced());
}

// Claim:  numbers are written for people: three digits that matter, and a unit.
// Method: a table, with the values next to where the unit changes.
TEST(RunReport, NumbersAreReadable) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(26277), "26,277");
  EXPECT_EQ(with_commas(1234567890), "1,234,567,890");
  EXPECT_EQ(duration_text(850), "850 ns");
  EXPECT_EQ(duration_text(999), "999 ns");
  EXPECT_EQ(duration_text(1000), "1.00 us");
  EXPECT_EQ(duration_text(12345), "12.3 us");
  EXPECT_EQ(duration_text(999'999), "1.00 ms");
  EXPECT_EQ(duration_text(75'000'000'000), "75.0 s");
  EXPECT_EQ(rate_text(876'000, std::chrono::seconds(1)), "876 k/s");
  EXPECT_EQ(rate_text(5, std::chrono::nanoseconds(0)), "-");
}

// Claim:  columns of numbers lean right, others left, and no line ends in blanks.
// Method: a table of both, with a name that has more bytes than characters.
TEST(TextTable, AlignsColumns) {
  TextTable table({"name", "count", "note"});
  table.add({"caf\xC3\xA9s", "7", "x"});
  table.add({"b", "1,000", "yy"});
  EXPECT_EQ(table.text(), "name   count  note\ncaf\xC3\xA9s      7  x\nb      1,000  yy\n");
}

// Claim:  a slip of the keyboard finds its word, anything else finds none.
// Method: letters swapped, missing and added; a different word.
TEST(Suggestion, FindsTheWordThatWasMeant) {
  constexpr std::string_view words[] = {"filter", "where", "write"};
  EXPECT_EQ(suggestion("fliter", words), "; did you mean 'filter'?");
  EXPECT_EQ(suggestion("wher", words), "; did you mean 'where'?");
  EXPECT_EQ(suggestion("writee", words), "; did you mean 'write'?");
  EXPECT_EQ(suggestion("colour", words), "");
}

// Claim:  an event is due when its time has passed since the first, divided by the speed; an earlier one at once.
// Method: times before, at and behind the first, at a speed of 60.
TEST(Pacer, DividesTimeBySpeed) {
  using namespace std::chrono;
  const steady_clock::time_point start{hours(1)};
  const EventTime first{hours(1000)};
  Pacer pacer(60);
  EXPECT_EQ(pacer.due(first, start), start);
  EXPECT_EQ(pacer.due(first + minutes(1), start), start + seconds(1));
  EXPECT_EQ(pacer.due(first - hours(5), start), start);
  EXPECT_LE(pacer.due(EventTime::max(), start), start + hours(24 * 366 * 40));
}

}  // namespace
}  // namespace headrace::program
