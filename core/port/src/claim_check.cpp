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
constexpr std::size_t kContentTypeBytesMax = kClaimBytesMax / 2;
constexpr std::size_t kReferenceBytesMax = kClaimBytesMax / 2 - 100;  // the rest: the first line, two numbers

/// FNV-1a.
std::uint64_t sum_of(std::span<const std::byte> bytes) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const std::byte byte : bytes) sum = (sum ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
  return sum;
}

/// What stands in for content in a body.
struct ClaimedBody {
  std::string content_type;
  Claim claim;
};

bool read_number(std::string_view text, std::uint64_t& number) noexcept {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

Result<ClaimedBody> read_claim(std::string_view topic, std::span<const std::byte> bytes) {
  const auto fault = [&](std::string what) { return Error{"a claim " + std::move(what), std::string(topic)}; };
  if (bytes.size() > kClaimBytesMax) return fault("of " + std::to_string(bytes.size()) + " bytes");
  std::string_view left(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::array<std::string_view, 5> lines;
  for (std::string_view& line : lines) {
    const std::size_t end = left.find('\n');
    if (end == left.npos) return fault("that ends early");
    line = left.substr(0, end);
    left.remove_prefix(end + 1);
  }
  if (lines[0] != kFirstLine) return fault("of another version: '" + std::string(lines[0].substr(0, 32)) + "'");
  if (!left.empty()) return fault("with something behind it");
  ClaimedBody body;
  body.content_type = lines[1];
  body.claim.reference = lines[4];
  if (!read_number(lines[2], body.claim.size) || !read_number(lines[3], body.claim.sum)) {
    return fault("with a bad number");
  }
  if (body.claim.reference.empty()) return fault("without a reference");
  return body;
}

Status check_size(std::string_view what, std::uint64_t bytes, std::size_t bytes_max, std::string_view topic) {
  if (bytes <= bytes_max) return Nothing{};
  return Error{std::string(what) + " of " + std::to_string(bytes) + " bytes, at most " +
                   std::to_string(bytes_max) + " are allowed",
               std::string(topic)};
}

std::vector<std::byte> write_claim(const ClaimedBody& body) {
  const Claim& claim = body.claim;
  const std::string text = std::string(kFirstLine) + '\n' + body.content_type + '\n' + std::to_string(claim.size) +
                           '\n' + std::to_string(claim.sum) + '\n' + claim.reference + '\n';
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

Result<Claim> ClaimCheck::check_in(std::string_view topic, const EventId& id,
                                   std::span<const std::byte> content) const {
  const EventSize& size = sizes_.of(topic);
  if (Status fits = check_size("content", content.size(), size.bytes_max, topic); !fits) return fits.error();
  if (content.size() > size.travels_max) return leave(topic, id, content);
  return Claim{content.size(), sum_of(content), {}, {content.begin(), content.end()}};
}

Result<std::vector<std::byte>> ClaimCheck::resolve(std::string_view topic, const Claim& claim) const {
  const std::size_t bytes_max = sizes_.of(topic).bytes_max;
  if (Status fits = check_size("a claim to content", claim.size, bytes_max, topic); !fits) return fits.error();
  Result<std::vector<std::byte>> content =
      claim.reference.empty() ? claim.inside : blobs_->get(claim.reference, claim.size);
  if (!content) return content.error();
  if (content->size() == claim.size && sum_of(*content) == claim.sum) return content;
  const std::string what =
      claim.reference.empty() ? "the content of a claim" : "the blob '" + claim.reference + "'";
  return Error{what + " is not what was checked in", std::string(topic)};
}

/// Behind in the blob store.
Result<Claim> ClaimCheck::leave(std::string_view topic, const EventId& id,
                                std::span<const std::byte> content) const {
  Result<std::string> reference = blobs_->put(id, content);
  if (!reference) return reference.error();
  if (reference->empty() || reference->find('\n') != reference->npos || reference->size() > kReferenceBytesMax) {
    return Error{"the blob store's reference is no line of text", std::string(topic)};
  }
  return Claim{content.size(), sum_of(content), std::move(*reference), {}};
}

Status ClaimCheck::check_in(std::string_view topic, const EventId& id, Body body) const {
  const EventSize& size = sizes_.of(topic);
  if (body.content_type == kContentType) {
    // Somebody else's, or one that passes a second time. Not everything that calls itself one, is.
    const Result<ClaimedBody> claimed = read_claim(topic, body.bytes);
    if (!claimed) return claimed.error();
    return check_size("a claim to content", claimed->claim.size, size.bytes_max, topic);
  }
  if (Status fits = check_size("content", body.bytes.size(), size.bytes_max, topic); !fits) return fits;
  if (body.bytes.size() <= size.travels_max) return Nothing{};
  if (body.content_type.find('\n') != body.content_type.npos || body.content_type.size() > kContentTypeBytesMax) {
    return Error{"a content type that is no short line", std::string(topic)};
  }
  Result<Claim> claim = leave(topic, id, body.bytes);
  if (!claim) return claim.error();
  body.bytes = write_claim({body.content_type, std::move(*claim)});
  body.content_type = kContentType;
  return Nothing{};
}

Status ClaimCheck::resolve(std::string_view topic, Body body) const {
  if (body.content_type != kContentType) return Nothing{};
  Result<ClaimedBody> claimed = read_claim(topic, body.bytes);
  if (!claimed) return claimed.error();
  Result<std::vector<std::byte>> content = resolve(topic, claimed->claim);
  if (!content) return content.error();
  body.content_type = std::move(claimed->content_type);
  body.bytes = std::move(*content);
  return Nothing{};
}

Result<EncodedEvent> ClaimCheck::check_in(EncodedEvent event) const {
  const Status done = check_in(event.envelope.topic, event.envelope.id, Body{event.content_type, event.body});
  return done ? Result<EncodedEvent>(std::move(event)) : done.error();
}

Result<EncodedEvent> ClaimCheck::resolve(EncodedEvent event) const {
  const Status done = resolve(event.envelope.topic, Body{event.content_type, event.body});
  return done ? Result<EncodedEvent>(std::move(event)) : done.error();
}

Status ClaimCheck::check_in(Message& message, const EventId& id) const {
  return check_in(message.topic, id, Body{message.content_type, message.body});
}

Status ClaimCheck::resolve(Message& message) const {
  return resolve(message.topic, Body{message.content_type, message.body});
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
  const Result<ClaimedBody> body = read_claim(event.envelope.topic, event.body);
  return body ? discard(body->claim) : body.error();
}

Status ClaimCheck::discard(const Claim& claim) const {
  return claim.reference.empty() ? Nothing{} : blobs_->remove(claim.reference);
}

}  // namespace headrace
