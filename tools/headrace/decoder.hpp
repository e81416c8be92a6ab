#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "record.hpp"

namespace headrace::program {

/// A record that could not be read: where it began, why, and what it said (cut to kTextBytesMax).
struct Reject {
  static constexpr std::size_t kTextBytesMax = 4096;
  std::uint64_t line = 0;
  std::string reason;
  std::string_view text;
};

enum class Flow { go_on, stop };

/// Takes what a decoder finds. After it answered stop it is called no more.
class DecoderSink {
 public:
  virtual ~DecoderSink() = default;
  /// The field names are known ahead of all records (CSV). May refuse to go on.
  [[nodiscard]] virtual Flow on_header(const Schema&) { return Flow::go_on; }
  [[nodiscard]] virtual Flow on_record(Record record) = 0;
  [[nodiscard]] virtual Flow on_reject(const Reject& reject) = 0;
};

/// Turns a stream of bytes, in pieces of any size, into records. Bad input is rejected, never thrown;
/// memory is bounded by the limits of the format's options.
class Decoder {
 public:
  virtual ~Decoder() = default;
  [[nodiscard]] virtual Flow feed(std::string_view bytes, DecoderSink& sink) = 0;
  /// The stream is over: a last line without a line end is still a record.
  [[nodiscard]] virtual Flow finish(DecoderSink& sink) = 0;
};

}  // namespace headrace::program
