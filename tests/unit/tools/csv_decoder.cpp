#include "csv_decoder.hpp"

#include <gtest/gtest.h>

#include "collect.hpp"

namespace headrace::program {
namespace {

using Rows = std::vector<std::vector<std::string>>;
using Rejects = std::vector<std::pair<std::uint64_t, std::string>>;

Collected csv(std::string_view text, CsvOptions options = {}, std::size_t piece = SIZE_MAX) {
  return decode<CsvDecoder>(text, std::move(options), piece);
}

// Claim:  RFC 4180: quoted fields hold delimiters, line ends and doubled quotes; lines end with LF or CRLF.
// Method: one file with all of them, compared field by field and line by line.
TEST(CsvDecoder, ReadsQuotedFieldsAndBothLineEnds) {
  const auto found = csv("a,b\r\n\"x,1\",\"say \"\"hi\"\"\"\r\n\"two\nlines\",\nlast,\"q\"");
  EXPECT_EQ(found.records, (Rows{{"x,1", "say \"hi\""}, {"two\nlines", ""}, {"last", "q"}}));
  EXPECT_EQ(found.lines, (std::vector<std::uint64_t>{2, 3, 5}));
  EXPECT_TRUE(found.rejects.empty());
}

// Claim:  how the stream is cut into pieces changes nothing.
// Method: a file with every kind of trouble, fed in pieces of 1 to 40 bytes.
TEST(CsvDecoder, PiecesOfAnySizeGiveTheSameRecords) {
  const std::string text =
      "\xEF\xBB\xBFid,name\r\n1,\"a\"\"b\"\r\n2,\"x\r\ny\"\r\n\r\n3\r\n4,\"bad\"tail\r\n5,ok\r\n6,\"never "
      "closed\r\n7,ok";
  const auto whole = csv(text);
  ASSERT_EQ(whole.records.size(), 4U);
  for (std::size_t piece = 1; piece <= 40; ++piece) EXPECT_TRUE(csv(text, {}, piece) == whole) << piece;
}

// Claim:  a record with too many or too few fields is rejected with its line, and the next is read.
// Method: one of each between good lines.
TEST(CsvDecoder, WrongNumberOfFieldsIsRejectedWithItsLine) {
  const auto found = csv("a,b\n1,2\n3\n4,5,6\n7,8\n");
  EXPECT_EQ(found.records, (Rows{{"1", "2"}, {"7", "8"}}));
  EXPECT_EQ(found.rejects, (Rejects{{3, "1 fields, expected 2"}, {4, "3 fields, expected 2"}}));
  EXPECT_EQ(found.reject_texts, (std::vector<std::string>{"3", "4,5,6"}));
}

// Claim:  a stray quote costs its own line only, whether it never closes or closes in the middle of text.
// Method: both kinds, followed by lines that must survive.
TEST(CsvDecoder, StrayQuoteCostsItsOwnLineOnly) {
  const auto found = csv("a,b\n1,\"x\" y\n2,ok\n3,\"open\n4,ok\n5,ok\n");
  EXPECT_EQ(found.records, (Rows{{"2", "ok"}, {"4", "ok"}, {"5", "ok"}}));
  EXPECT_EQ(found.rejects,
            (Rejects{{2, "text after the closing quote of field 2"}, {4, "the quote of field 2 never closes"}}));
  EXPECT_EQ(found.lines, (std::vector<std::uint64_t>{3, 5, 6}));
}

// Claim:  a quote inside an unquoted field is text.
// Method: inches.
TEST(CsvDecoder, QuoteInsideAnUnquotedFieldIsText) {
  EXPECT_EQ(csv("a,b\n6\" pipe,1\n").records, (Rows{{"6\" pipe", "1"}}));
}

// Claim:  records and fields beyond the limits are rejected, memory stays bounded, reading goes on.
// Method: an endless line and an endless quote under a record limit of 32 bytes; a field of 9 under a limit of 8.
TEST(CsvDecoder, LimitsRejectAndReadingGoesOn) {
  CsvOptions options;
  options.record_bytes_max = 32;
  options.field_bytes_max = 8;
  const std::string text =
      "a,b\n" + std::string(100, 'x') + "\n1,2\n\"" + std::string(100, 'y') + "\n3,4\n123456789,5\n6,7\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{10}, text.size()}) {
    const auto found = csv(text, options, piece);
    EXPECT_EQ(found.records, (Rows{{"1", "2"}, {"3", "4"}, {"6", "7"}}));
    EXPECT_EQ(found.rejects, (Rejects{{2, "longer than 32 bytes"},
                                      {4, "the quote of field 1 never closes"},
                                      {6, "field 1 is longer than 8 bytes"}}));
  }
}

// Claim:  columns may be named by the options, when the input has no header row; another delimiter may be set.
// Method: semicolons and given names.
TEST(CsvDecoder, NamesAndDelimiterCanBeGiven) {
  CsvOptions options;
  options.delimiter = ';';
  options.columns = {"x", "y"};
  const auto found = csv("1,5;2\n", options);
  EXPECT_EQ(found.records, (Rows{{"1,5", "2"}}));
  EXPECT_EQ(found.names, (Rows{{"x", "y"}}));
}

// Claim:  header names are made unique, so that each field can be addressed.
// Method: an empty and a doubled name.
TEST(CsvDecoder, HeaderNamesBecomeUnique) {
  EXPECT_EQ(csv("a,,a\n1,2,3\n").names, (Rows{{"a", "column_2", "a_2"}}));
}

// Claim:  a sink that says stop is called no more.
// Method: stop after the first of three records.
TEST(CsvDecoder, StopsWhenTheSinkSaysSo) {
  FieldTable mentioned;
  SchemaPool schemas(mentioned);
  CsvDecoder decoder({}, schemas);
  Collected found;
  found.stop_after = 1;
  EXPECT_EQ(decoder.feed("a\n1\n2\n3\n", found), Flow::stop);
  EXPECT_EQ(found.records.size(), 1U);
}

}  // namespace
}  // namespace headrace::program
