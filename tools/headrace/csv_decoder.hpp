#pragma once

#include <string>
#include <vector>

#include "decoder.hpp"
#include "schema_pool.hpp"

namespace headrace::program {

struct CsvOptions {
  char delimiter = ',';
  std::vector<std::string> columns;  ///< names, for input without a header row
  std::size_t field_bytes_max = std::size_t{64} << 10U;
  std::size_t record_bytes_max = std::size_t{1} << 20U;
  std::size_t columns_max = 4096;
};

/// CSV as RFC 4180 has it: quoted fields with doubled quotes and line ends inside, LF or CRLF, a header row.
/// Lenient in two places, as most writers need it: a quote in the middle of an unquoted field is text, and
/// empty lines and a byte order mark are skipped.
///
/// A stray quote costs its own line only: when the quote never closes within the record limit, or text follows
/// the closing one, the first line of the damaged record is rejected and reading resumes at the next.
class CsvDecoder final : public Decoder {
 public:
  CsvDecoder(CsvOptions options, SchemaPool& schemas);

  [[nodiscard]] Flow feed(std::string_view bytes, DecoderSink& sink) override;
  [[nodiscard]] Flow finish(DecoderSink& sink) override;

 private:
  enum class State { field_start, plain, quoted, quote_seen, damaged, skip_line };
  enum class Step { need_more, record, stray_quote, unclosed_quote, too_long };
  struct Span {
    std::size_t begin, end;  // offsets from begin_
    bool doubled_quotes;
  };

  [[nodiscard]] Flow drain(DecoderSink& sink, bool at_end);
  [[nodiscard]] Step advance(bool at_end);
  [[nodiscard]] Flow take_record(DecoderSink& sink);
  [[nodiscard]] Flow take_header(DecoderSink& sink);
  [[nodiscard]] Flow reject_record(DecoderSink& sink, std::string reason);
  [[nodiscard]] Flow reject_first_line(DecoderSink& sink, std::string reason);
  [[nodiscard]] std::string_view value(const Span& span);
  void end_field(std::size_t end);
  void start_record(std::size_t begin);

  const CsvOptions options_;
  SchemaPool& schemas_;
  const Schema* schema_ = nullptr;

  std::string buffer_;
  std::size_t begin_ = 0;   // of the record being read
  std::size_t cursor_ = 0;  // first byte not yet looked at
  State state_ = State::field_start;
  std::size_t field_begin_ = 0;
  bool doubled_quotes_ = false;
  std::vector<Span> spans_;
  std::uint64_t line_ = 1;       // where the record began
  std::uint64_t line_ends_ = 0;  // inside the record so far
  bool at_stream_start_ = true;

  RecordBuilder builder_;
  std::string unescaped_;
};

}  // namespace headrace::program
