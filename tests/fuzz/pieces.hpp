#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "decoder.hpp"
#include "json_text.hpp"
#include "schema_pool.hpp"

namespace headrace::program {

inline void require(bool holds) {
  if (!holds) std::abort();
}

/// Everything a decoder said, as one text.
struct Transcript final : DecoderSink {
  std::string text;
  Flow on_record(Record record) override {
    text += std::to_string(record.line()) + " ";
    append_json(text, record);
    text += "\n";
    return Flow::go_on;
  }
  Flow on_reject(const Reject& reject) override {
    text += std::to_string(reject.line) + " " + reject.reason + ": ";
    append_json_string(text, reject.text);
    text += "\n";
    return Flow::go_on;
  }
};

/// The transcript of the input fed in pieces of that size.
template <class Format, class Options>
std::string transcript(std::string_view input, const Options& options, std::size_t piece) {
  FieldTable mentioned;
  SchemaPool schemas(mentioned);
  Format decoder(options, schemas);
  Transcript found;
  for (std::size_t at = 0; at < input.size(); at += piece) {
    require(decoder.feed(input.substr(at, piece), found) == Flow::go_on);
  }
  require(decoder.finish(found) == Flow::go_on);
  return found.text;
}

/// Claim: no bytes crash the decoder, and how they are cut into pieces changes nothing that it says.
template <class Format, class Options>
void same_in_pieces(std::string_view input, const Options& options) {
  const std::string whole = transcript<Format>(input, options, input.size() + 1);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
    require(transcript<Format>(input, options, piece) == whole);
  }
}

}  // namespace headrace::program
