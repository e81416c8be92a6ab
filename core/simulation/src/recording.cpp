#include "headrace/simulation/recording.hpp"

#include <array>
#include <istream>
#include <ostream>
#include <span>
#include <utility>

namespace headrace {
namespace {

constexpr std::string_view kFirstLine = "headrace recording 1\n";

/// FNV-1a: tells damage, not forgery.
std::uint64_t checksum_of(std::string_view bytes) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const char byte : bytes) sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return sum;
}

void put(std::string& to, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) to.push_back(static_cast<char>(value >> (8 * i)));
}
void put(std::string& to, std::string_view text) {
  put(to, text.size(), 4);
  to += text;
}
void put(std::string& to, const EventId& id) {
  put(to, id.high, 8);
  put(to, id.low, 8);
}

std::uint64_t number_in(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}

/// Takes parts off the front; too short a record fails once and then gives nothing.
struct Parts {
  std::string_view left;
  bool failed = false;

  std::string_view take(std::uint64_t bytes) noexcept {
    if (failed || bytes > left.size()) {
      failed = true;
      return {};
    }
    const std::string_view part = left.substr(0, bytes);
    left.remove_prefix(bytes);
    return part;
  }
  std::uint64_t number(unsigned bytes) noexcept { return number_in(take(bytes)); }
  std::string_view text() noexcept { return take(number(4)); }
  EventId id() noexcept {
    const std::uint64_t high = number(8);
    return {high, number(8)};
  }
};

}  // namespace

RecordingWriter::RecordingWriter(std::ostream& out) : out_(out) { out_ << kFirstLine; }

Status RecordingWriter::write(const RecordedEvent& event) {
  const Envelope& envelope = event.event.envelope;
  record_.clear();
  put(record_, static_cast<std::uint64_t>(event.at.count()), 8);
  put(record_, static_cast<std::uint64_t>(envelope.time.time_since_epoch().count()), 8);
  put(record_, envelope.version, 4);
  put(record_, event.type);
  put(record_, envelope.topic);
  put(record_, envelope.key);
  put(record_, envelope.id);
  put(record_, envelope.correlation);
  put(record_, envelope.causation);
  put(record_, event.event.content_type);
  put(record_, std::string_view(reinterpret_cast<const char*>(event.event.body.data()), event.event.body.size()));
  if (record_.size() > RecordingReader::kRecordBytesMax) {
    return Error{"an event of " + std::to_string(record_.size()) + " bytes: at most " +
                     std::to_string(RecordingReader::kRecordBytesMax) + " are recorded",
                 envelope.topic};
  }
  std::string length;
  put(length, record_.size(), 4);
  put(record_, checksum_of(record_), 8);
  if (!(out_ << length << record_)) return Error{"the recording cannot be written", {}};
  return Nothing{};
}

Error RecordingReader::fault(std::string what) {
  return failed_.emplace(Error{std::move(what), "byte " + std::to_string(at_)});
}

bool RecordingReader::begins(std::istream& in) {
  std::string line(kFirstLine.size(), '\0');
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  return in && line == kFirstLine;
}

Result<std::optional<RecordedEvent>> RecordingReader::next() {
  if (failed_) return *failed_;
  if (at_ == 0) {
    if (!begins(in_)) return fault("this is no recording of version 1");
    at_ = kFirstLine.size();
  }
  std::array<char, 4> length_bytes{};
  in_.read(length_bytes.data(), length_bytes.size());
  if (in_.gcount() == 0 && in_.eof()) return std::optional<RecordedEvent>{};
  if (!in_) return fault("the recording ends within an event");
  const std::uint64_t length = number_in({length_bytes.data(), length_bytes.size()});
  if (length > kRecordBytesMax)
    return fault("an event of " + std::to_string(length) + " bytes: the file is damaged");
  // Grown as bytes come: a length that lies does not take memory that the file has no bytes for.
  record_.clear();
  for (std::uint64_t left = length + 8; left > 0;) {
    constexpr std::uint64_t kStep = 1 << 16;
    const std::uint64_t step = left < kStep ? left : kStep;
    const std::size_t before = record_.size();
    record_.resize(before + step);
    in_.read(record_.data() + before, static_cast<std::streamsize>(step));
    if (!in_) return fault("the recording ends within an event");
    left -= step;
  }
  const std::string_view content = std::string_view(record_).substr(0, length);
  if (number_in(std::string_view(record_).substr(length)) != checksum_of(content)) {
    return fault("the checksum is not the event's: the file is damaged");
  }
  Parts parts{content};
  RecordedEvent event;
  event.at = std::chrono::nanoseconds(static_cast<std::int64_t>(parts.number(8)));
  Envelope& envelope = event.event.envelope;
  envelope.time = EventTime(std::chrono::nanoseconds(static_cast<std::int64_t>(parts.number(8))));
  envelope.version = static_cast<std::uint32_t>(parts.number(4));
  event.type = parts.text();
  envelope.topic = parts.text();
  envelope.key = parts.text();
  envelope.id = parts.id();
  envelope.correlation = parts.id();
  envelope.causation = parts.id();
  event.event.content_type = parts.text();
  const auto body = std::as_bytes(std::span(parts.text()));
  event.event.body.assign(body.begin(), body.end());
  if (parts.failed || !parts.left.empty()) return fault("the parts of an event do not fill its record");
  at_ += 4 + length + 8;
  return std::optional(std::move(event));
}

}  // namespace headrace
