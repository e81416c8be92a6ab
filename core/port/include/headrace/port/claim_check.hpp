#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/port/blob_store.hpp"
#include "headrace/port/claim.hpp"
#include "headrace/port/message.hpp"

namespace headrace {

/// How large the encoded content of a topic's events may be.
struct EventSize {
  std::size_t travels_max = std::size_t{64} << 10;  ///< larger content stays behind in the blob store
  std::size_t bytes_max = std::size_t{256} << 20;   ///< larger content is an error
};

struct EventSizes {
  EventSize others = {};  ///< of topics that are not named
  std::map<std::string, EventSize, std::less<>> topics = {};

  [[nodiscard]] const EventSize& of(std::string_view topic) const {
    const auto own = topics.find(topic);
    return own == topics.end() ? others : own->second;
  }
};

/// The claim check: content that is too large to travel goes to a blob store, and the event carries a reference. Either
/// the type says so, and its handlers resolve the reference when they want the content: a notification event.
///
///     auto scan = claims.check_in("scans.taken", id, bytes);        the publisher: a Claim, the event's member
///     auto bytes = claims.resolve("scans.taken", event.scan);       a handler, on demand
///
/// Or nobody notices: whatever encoded event is too large travels as a claim between two programs.
///
///     Outbox outbox(store, checkpoints, sink, claims.before(write), …);     where events leave
///     InboundEvents inbound(bus, source, types, claims.after(read));        where they arrive
///     claims.resolve(std::move(event))     in a program that sees them encoded; what is no claim stays as it is
///
/// The envelope stays as it is, so that routing, order and deduplication do not notice. Such a claim is text: the
/// content type, size and checksum of what it stands for, and the blob's reference.
///
/// Threads:   as the blob store.
/// Errors:    content over bytes_max; a claim that is damaged, or whose blob is not what was checked in: no retry
///            helps. What the blob store says otherwise.
/// Lost:      a blob is put before the event is sent. Under the event's id, so that one that is written again, after a
///            refusal or a crash, finds the blob of the first time; only an event that never comes again, or has no id,
///            leaves one that nobody refers to. Blobs stay until discard(): an event may have several consumers, and be
///            replayed.
///            What cannot be reached now says `maybe`: an Outbox and InboundEvents wait for it, and a handler that
///            answers outcome_of() the error is tried again.
class ClaimCheck {
 public:
  static constexpr std::string_view kContentType = "text/x-headrace-claim";

  /// @throws ConfigError without a blob store, and for a topic whose travels_max is above its bytes_max.
  explicit ClaimCheck(std::shared_ptr<BlobStore> blobs, EventSizes sizes = {});

  /// A claim to the content for an event of the topic, and of that id. What may travel travels in it.
  [[nodiscard]] Result<Claim> check_in(std::string_view topic, const EventId& id,
                                       std::span<const std::byte> content) const;
  [[nodiscard]] Result<std::vector<std::byte>> resolve(std::string_view topic, const Claim& claim) const;

  [[nodiscard]] static bool is_claim(const EncodedEvent& event) noexcept {
    return event.content_type == kContentType;
  }
  [[nodiscard]] Result<EncodedEvent> check_in(EncodedEvent event) const;
  [[nodiscard]] Result<EncodedEvent> resolve(EncodedEvent event) const;

  using Write = std::function<Result<Message>(const EncodedEvent&)>;
  using Read = std::function<Result<EncodedEvent>(const Message&)>;
  /// Checks in, then writes what travels.
  [[nodiscard]] Write before(Write write) const;
  /// Reads what travelled, then resolves it.
  [[nodiscard]] Read after(Read read) const;

  /// The same of a message, whose content its carrier does not understand: a gateway. Limits are those of the message's
  /// topic; the id is what its copies share. What could not be done leaves it as it was.
  [[nodiscard]] Status check_in(Message& message, const EventId& id) const;
  [[nodiscard]] Status resolve(Message& message) const;

  /// Removes the blob of a claim that nobody will resolve any more. What is no claim has none.
  [[nodiscard]] Status discard(const EncodedEvent& event) const;
  [[nodiscard]] Status discard(const Claim& claim) const;

 private:
  /// What travels, and of which type it says it is.
  struct Body {
    std::string& content_type;
    std::vector<std::byte>& bytes;
  };
  [[nodiscard]] Result<Claim> leave(std::string_view topic, const EventId& id,
                                    std::span<const std::byte> content) const;
  [[nodiscard]] Status check_in(std::string_view topic, const EventId& id, Body body) const;
  [[nodiscard]] Status resolve(std::string_view topic, Body body) const;

  const std::shared_ptr<BlobStore> blobs_;
  const EventSizes sizes_;
};

}  // namespace headrace
