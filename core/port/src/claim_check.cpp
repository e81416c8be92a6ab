#include "headrace/port/claim_check.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <span>
#include <utility>

namespace headrace {
namespace {

constexpr std::string_view kFirstLine = "headrace claim 1";
constexpr std::size_t kClaimBytesMax = 4096;

/// FNV-1a: tells a mistaken or damaged blob, not a forged one.
std::uint64_t sum_of(std::span<const std::byte> bytes) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const std::byte byte : bytes) sum = (sum ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
  return sum;
}

struct Claim {
  std::string content_type;
  std::uint64_t size = 0;
  std::uint64_t sum = 0;
  std::string reference;
};

bool read_number(std::string_view text, std::uint64_t& number) noexcept {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

Result<Claim> read_claim(const EncodedEvent& event) {
  const auto fault = [&](std::string what) { return Error{"a claim " + std::move(what), event.envelope.topic}; };
  if (event.body.size() > kClaimBytesMax) return fault("of " + std::to_string(event.body.size()) + " bytes");
  std::string_view left(reinterpret_cast<const char*>(event.body.data()), event.body.size());
  std::array<std::string_view, 5> lines;
  for (std::string_view& line : lines) {
    const std::size_t end = left.find('\n');
    if (end == left.npos) return fault("that ends early");
    line = left.substr(0, end);
    left.remove_prefix(end + 1);
  }
  if (lines[0] != kFirstLine) return fault("of another version: '" + std::string(lines[0].substr(0, 32)) + "'");
  if (!left.empty()) return fault("with something behind it");
  Claim claim{.content_type = std::string(lines[1]), .reference = std::string(lines[4])};
  if (!read_number(lines[2], claim.size) || !read_number(lines[3], claim.sum)) return fault("with a bad number");
  if (claim.reference.empty()) return fault("without a reference");
  return claim;
}

Status check_size(std::string_view what, std::uint64_t bytes, const EventSize& size, const EncodedEvent& event) {
  if (bytes <= size.bytes_max) return Nothing{};
  return Error{std::string(what) + " of " + std::to_string(bytes) + " bytes, at most " +
                   std::to_string(size.bytes_max) + " are allowed",
               event.envelope.topic};
}

std::vector<std::byte> write_claim(const Claim& claim) {
  const std::string text = std::string(kFirstLine) + '\n' + claim.content_type + '\n' +
                           std::to_string(claim.size) + '\n' + std::to_string(claim.sum) + '\n' + claim.reference +
                           '\n';
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

ClaimCheck::ClaimCheck(std::shared_ptr<BlobStore> blobs, EventSizes sizes)
    : blobs_(std::move(blobs)), sizes_(std::move(sizes)) {
  if (blobs_ == nullptr) throw ConfigError("a claim check needs a blob store");
  const auto check = [](const std::string& topic, const EventSize& size) {
    if (size.travels_max <= size.bytes_max) return;
    throw ConfigError("the event size of " + topic + ": more may travel than there may be");
  };
  check("other topics", sizes_.others);
  for (const auto& [topic, size] : sizes_.topics) check("'" + topic + "'", size);
}

Result<EncodedEvent> ClaimCheck::check_in(EncodedEvent event) const {
  const EventSize& size = sizes_.of(event.envelope.topic);
  if (is_claim(event)) {
    // Somebody else's, or one that passes a second time. Not everything that calls itself one, is.
    const Result<Claim> claim = read_claim(event);
    if (!claim) return claim.error();
    if (Status fits = check_size("a claim to content", claim->size, size, event); !fits) return fits.error();
    return event;
  }
  if (Status fits = check_size("content", event.body.size(), size, event); !fits) return fits.error();
  if (event.body.size() <= size.travels_max) return event;
  if (event.content_type.find('\n') != event.content_type.npos || event.content_type.size() > kClaimBytesMax / 2) {
    return Error{"a content type that is no short line", event.envelope.topic};
  }
  Result<std::string> reference = blobs_->put(event.envelope.id, event.body);
  if (!reference) return reference.error();
  Claim claim{event.content_type, event.body.size(), sum_of(event.body), std::move(*reference)};
  std::vector<std::byte> body = write_claim(claim);
  if (claim.reference.empty() || claim.reference.find('\n') != claim.reference.npos ||
      body.size() > kClaimBytesMax) {
    return Error{"the blob store's reference is no line of text", event.envelope.topic};
  }
  event.content_type = kContentType;
  event.body = std::move(body);
  return event;
}

Result<EncodedEvent> ClaimCheck::resolve(EncodedEvent event) const {
  if (!is_claim(event)) return event;
  Result<Claim> claim = read_claim(event);
  if (!claim) return claim.error();
  if (Status fits = check_size("a claim to content", claim->size, sizes_.of(event.envelope.topic), event); !fits) {
    return fits.error();
  }
  Result<std::vector<std::byte>> body = blobs_->get(claim->reference, claim->size);
  if (!body) return body.error();
  if (body->size() != claim->size || sum_of(*body) != claim->sum) {
    return Error{"the blob '" + claim->reference + "' is not what was checked in", event.envelope.topic};
  }
  event.content_type = std::move(claim->content_type);
  event.body = std::move(*body);
  return event;
}

ClaimCheck::Write ClaimCheck::before(Write write) const {
  return [claims = *this, write = std::move(write)](const EncodedEvent& event) -> Result<Message> {
    const Result<EncodedEvent> travels = claims.check_in(event);
    return travels ? write(*travels) : travels.error();
  };
}

ClaimCheck::Read ClaimCheck::after(Read read) const {
  return [claims = *this, read = std::move(read)](const Message& message) -> Result<EncodedEvent> {
    Result<EncodedEvent> event = read(message);
    return event ? claims.resolve(std::move(*event)) : event;
  };
}

Status ClaimCheck::discard(const EncodedEvent& event) const {
  if (!is_claim(event)) return Nothing{};
  const Result<Claim> claim = read_claim(event);
  if (!claim) return claim.error();
  return blobs_->remove(claim->reference);
}

}  // namespace headrace
