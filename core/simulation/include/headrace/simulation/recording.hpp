#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"

namespace headrace {

/// One event as it crossed a bus.
struct RecordedEvent {
  std::string type;               ///< the topic of its type's description
  EncodedEvent event;             ///< envelope: topic, key, version, ids; time: when it was recorded
  std::chrono::nanoseconds at{};  ///< since the recording began, on the bus's steady clock

  friend bool operator==(const RecordedEvent&, const RecordedEvent&) = default;
};

/// The form of a recording: a line that names it, then records one after the other, each with its length before it
/// and a checksum behind it. Integers are little-endian; a text is its length and its bytes.
///
/// Threads:   one at a time.
class RecordingWriter {
 public:
  /// `out` must be open in binary mode, and outlive the writer.
  explicit RecordingWriter(std::ostream& out);
  /// What `out` could not take is an error; the recording then ends in a torn record.
  [[nodiscard]] Status write(const RecordedEvent& event);

 private:
  std::ostream& out_;
  std::string record_;
};

/// Threads:   one at a time.
/// Errors:    whatever the bytes are, an error says what is wrong and at which byte; everything before it was
///            read. No retry helps. After an error the reader stays there.
class RecordingReader {
 public:
  static constexpr std::size_t kRecordBytesMax = std::size_t{64} << 20;

  /// `in` must be open in binary mode, and outlive the reader.
  explicit RecordingReader(std::istream& in) : in_(in) {}
  /// Whether what comes next out of `in` begins as a recording does.
  [[nodiscard]] static bool begins(std::istream& in);
  /// Nothing: the recording is over.
  [[nodiscard]] Result<std::optional<RecordedEvent>> next();

 private:
  [[nodiscard]] Error fault(std::string what);

  std::istream& in_;
  std::string record_;
  std::uint64_t at_ = 0;         ///< the byte where the next record begins
  std::optional<Error> failed_;  ///< what every further call answers
};

}  // namespace headrace
