#include "csv_decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace headrace::program {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::vector<std::string> with_unique_names(std::vector<std::string> names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) names[i] = fmt::format("column_{}", i + 1);
    const std::string name = names[i];
    const auto taken = [&] {
      return std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]);
    };
    for (int n = 2; taken() != names.begin() + static_cast<std::ptrdiff_t>(i); ++n)
      names[i] = fmt::format("{}_{}", name, n);
  }
  return names;
}

}  // namespace

CsvDecoder::CsvDecoder(CsvOptions options, SchemaPool& schemas) : options_(std::move(options)), schemas_(schemas) {
  if (!options_.columns.empty()) schema_ = schemas_.find_or_add(with_unique_names(options_.columns));
}

Flow CsvDecoder::feed(std::string_view bytes, DecoderSink& sink) {
  buffer_.append(bytes);
  if (at_stream_start_) {
    if (buffer_.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(buffer_)) return Flow::go_on;
    if (buffer_.starts_with(kByteOrderMark)) start_record(kByteOrderMark.size());
    at_stream_start_ = false;
  }
  const Flow flow = drain(sink, false);
  buffer_.erase(0, begin_);
  cursor_ -= begin_;
  begin_ = 0;
  return flow;
}

Flow CsvDecoder::finish(DecoderSink& sink) { return drain(sink, true); }

Flow CsvDecoder::drain(DecoderSink& sink, bool at_end) {
  while (true) {
    Flow flow = Flow::go_on;
    switch (advance(at_end)) {
      case Step::need_more:
        return Flow::go_on;
      case Step::record:
        flow = take_record(sink);
        break;
      case Step::stray_quote:
        flow = reject_first_line(sink, fmt::format("text after the closing quote of field {}", spans_.size() + 1));
        break;
      case Step::unclosed_quote:
        flow = reject_first_line(sink, fmt::format("the quote of field {} never closes", spans_.size() + 1));
        break;
      case Step::too_long:
        flow = reject_first_line(sink, fmt::format("longer than {} bytes", options_.record_bytes_max));
        break;
    }
    if (flow == Flow::stop) return flow;
  }
}

// Looks at each byte once, however the stream was cut; stops behind the end of a record.
CsvDecoder::Step CsvDecoder::advance(bool at_end) {
  const char* const data = buffer_.data();
  while (true) {
    if (state_ != State::skip_line && cursor_ - begin_ > options_.record_bytes_max) {
      return state_ == State::quoted    ? Step::unclosed_quote
             : state_ == State::damaged ? Step::stray_quote
                                        : Step::too_long;
    }
    // No state may look further than the record limit.
    const std::size_t end = state_ == State::skip_line
                                ? buffer_.size()
                                : std::min(buffer_.size(), begin_ + options_.record_bytes_max + 1);
    if (cursor_ == buffer_.size()) {
      if (!at_end) {
        if (state_ == State::skip_line) begin_ = cursor_;
        return Step::need_more;
      }
      if (state_ == State::quoted) return Step::unclosed_quote;
      if (state_ == State::damaged) return Step::stray_quote;
      if (cursor_ == begin_ || state_ == State::skip_line) return Step::need_more;
      if (state_ == State::field_start) field_begin_ = cursor_ - begin_;
      end_field(state_ == State::quote_seen ? cursor_ - 1 : cursor_);
      return Step::record;
    }
    switch (state_) {
      case State::field_start:
        doubled_quotes_ = false;
        state_ = data[cursor_] == '"' ? State::quoted : State::plain;
        if (state_ == State::quoted) ++cursor_;
        field_begin_ = cursor_ - begin_;
        break;
      case State::plain: {
        while (cursor_ < end && data[cursor_] != options_.delimiter && data[cursor_] != '\n') ++cursor_;
        if (cursor_ == end) break;
        end_field(cursor_);
        state_ = State::field_start;
        if (data[cursor_++] == '\n') return Step::record;
        break;
      }
      case State::quoted:
        while (cursor_ < end && data[cursor_] != '"') line_ends_ += data[cursor_++] == '\n';
        if (cursor_ == end) break;
        ++cursor_;
        state_ = State::quote_seen;
        break;
      case State::quote_seen: {
        const char c = data[cursor_];
        if (c == '"') {
          doubled_quotes_ = true;
          state_ = State::quoted;
          ++cursor_;
          break;
        }
        const bool crlf = c == '\r' && (cursor_ + 1 < buffer_.size() ? data[cursor_ + 1] == '\n' : at_end);
        if (c == '\r' && cursor_ + 1 == buffer_.size() && !at_end) return Step::need_more;
        if (c != options_.delimiter && c != '\n' && !crlf) {
          state_ = State::damaged;
          break;
        }
        end_field(cursor_ - 1);
        state_ = State::field_start;
        cursor_ += crlf && cursor_ + 1 < buffer_.size() ? 2 : 1;
        if (c != options_.delimiter) return Step::record;
        break;
      }
      case State::damaged:
        // The reject shows the first line whole: wait for its end, unless the damage came behind it.
        while (line_ends_ == 0 && cursor_ < end && data[cursor_] != '\n') ++cursor_;
        if (line_ends_ > 0 || cursor_ < end) return Step::stray_quote;
        break;
      case State::skip_line: {
        const void* found = std::memchr(data + cursor_, '\n', end - cursor_);
        cursor_ = found == nullptr ? end : static_cast<std::size_t>(static_cast<const char*>(found) - data) + 1;
        if (found != nullptr) {
          ++line_;
          start_record(cursor_);
        }
        break;
      }
    }
  }
}

void CsvDecoder::end_field(std::size_t end) { spans_.push_back({field_begin_, end - begin_, doubled_quotes_}); }

std::string_view CsvDecoder::value(const Span& span) {
  const std::string_view raw(buffer_.data() + begin_ + span.begin, span.end - span.begin);
  if (!span.doubled_quotes) return raw;
  unescaped_.clear();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    unescaped_.push_back(raw[i]);
    if (raw[i] == '"') ++i;  // the second of the pair
  }
  return unescaped_;
}

Flow CsvDecoder::take_record(DecoderSink& sink) {
  // The last field of an unquoted line still carries the CR of a CRLF.
  if (Span& last = spans_.back(); last.end > last.begin && buffer_[begin_ + last.end - 1] == '\r' &&
                                  (begin_ + last.end == buffer_.size() || buffer_[begin_ + last.end] == '\n')) {
    --last.end;
  }
  Flow flow = Flow::go_on;
  const bool empty_line = spans_.size() == 1 && spans_[0].begin == 0 && spans_[0].end == 0;
  if (!empty_line) {
    if (schema_ == nullptr) {
      flow = take_header(sink);
    } else if (spans_.size() != schema_->names().size()) {
      return reject_record(sink, fmt::format("{} fields, expected {}", spans_.size(), schema_->names().size()));
    } else {
      builder_.clear();
      for (std::size_t i = 0; i < spans_.size(); ++i) {
        if (spans_[i].end - spans_[i].begin > options_.field_bytes_max) {
          return reject_record(sink,
                               fmt::format("field {} is longer than {} bytes", i + 1, options_.field_bytes_max));
        }
        builder_.add(FieldKind::untyped, value(spans_[i]));
      }
      flow = sink.on_record(builder_.build(*schema_, line_));
    }
  }
  line_ += line_ends_ + 1;
  start_record(cursor_);
  return flow;
}

Flow CsvDecoder::take_header(DecoderSink& sink) {
  if (spans_.size() > options_.columns_max) {
    (void)sink.on_reject({line_, fmt::format("the header has more than {} columns", options_.columns_max), {}});
    return Flow::stop;
  }
  std::vector<std::string> names;
  for (const Span& span : spans_) names.emplace_back(value(span));
  schema_ = schemas_.find_or_add(with_unique_names(std::move(names)));
  if (schema_ == nullptr) {
    (void)sink.on_reject({line_, fmt::format("more than {} different headers", schemas_.schemas_max()), {}});
    return Flow::stop;
  }
  return sink.on_header(*schema_);
}

Flow CsvDecoder::reject_record(DecoderSink& sink, std::string reason) {
  const std::string_view all(buffer_.data() + begin_, cursor_ - begin_);
  const std::string_view text = all.substr(0, Reject::kTextBytesMax);
  const Flow flow = sink.on_reject({line_, std::move(reason), text.substr(0, text.find_last_not_of("\r\n") + 1)});
  line_ += line_ends_ + 1;
  start_record(cursor_);
  return flow;
}

Flow CsvDecoder::reject_first_line(DecoderSink& sink, std::string reason) {
  const std::string_view all(buffer_.data() + begin_, buffer_.size() - begin_);
  const std::size_t line_end = std::min(all.find('\n'), all.size());
  std::string_view text = all.substr(0, std::min({line_end, Reject::kTextBytesMax, options_.record_bytes_max}));
  if (text.ends_with('\r')) text.remove_suffix(1);
  const Flow flow = sink.on_reject({line_, std::move(reason), text});
  start_record(begin_ + line_end);
  state_ = State::skip_line;
  return flow;
}

void CsvDecoder::start_record(std::size_t begin) {
  begin_ = cursor_ = begin;
  state_ = State::field_start;
  spans_.clear();
  line_ends_ = 0;
}

}  // namespace headrace::program
