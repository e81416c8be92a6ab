#include "ndjson_decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headrace::program {
NdjsonDecoder::NdjsonDecoder(NdjsonOptions options, SchemaPool& schemas)
    : options_(options), schemas_(schemas), reader_(options) {}

Flow NdjsonDecoder::feed(std::string_view bytes, DecoderSink& sink) {
  while (true) {
    const std::size_t line_end = bytes.find('\n');
    if (line_end == std::string_view::npos) break;
    const std::string_view rest = bytes.substr(0, line_end);
    bytes.remove_prefix(line_end + 1);
    Flow flow = Flow::go_on;
    if (!skipping_) {
      if (partial_.empty()) {
        flow = take_line(rest, sink);
      } else {
        partial_.append(rest);
        flow = take_line(partial_, sink);
      }
    }
    partial_.clear();
    skipping_ = false;
    ++line_;
    if (flow == Flow::stop) return flow;
  }
  if (skipping_) return Flow::go_on;
  partial_.append(bytes);
  if (partial_.size() <= options_.record_bytes_max) return Flow::go_on;
  skipping_ = true;  // until the line ends; its head has been reported
  const Flow flow = take_line(partial_, sink);
  partial_.clear();
  return flow;
}

Flow NdjsonDecoder::finish(DecoderSink& sink) {
  const Flow flow = skipping_ ? Flow::go_on : take_line(partial_, sink);
  partial_.clear();
  return flow;
}

Flow NdjsonDecoder::take_line(std::string_view text, DecoderSink& sink) {
  const std::string_view shown = text.substr(0, std::min(Reject::kTextBytesMax, options_.record_bytes_max));
  const auto reject = [&](std::string reason) { return sink.on_reject({line_, std::move(reason), shown}); };
  const bool first = std::exchange(at_stream_start_, false);
  if (text.size() > options_.record_bytes_max) {
    return reject(fmt::format("longer than {} bytes", options_.record_bytes_max));
  }
  if (first && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.find_first_not_of(" \t") == std::string_view::npos) return Flow::go_on;
  if (std::string problem = reader_.read(text); !problem.empty()) return reject(std::move(problem));
  if (last_schema_ == nullptr || last_schema_->names() != reader_.names()) {
    if (std::string problem = reader_.duplicate(); !problem.empty()) return reject(std::move(problem));
    last_schema_ = schemas_.find_or_add(reader_.names());
    if (last_schema_ == nullptr) {
      return reject(fmt::format("more than {} different sets of keys", schemas_.schemas_max()));
    }
  }
  return sink.on_record(reader_.record(*last_schema_, line_));
}

}  // namespace headrace::program
