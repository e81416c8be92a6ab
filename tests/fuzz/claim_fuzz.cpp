#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "headrace/delivery/memory_blob_store.hpp"
#include "headrace/port/claim_check.hpp"

namespace {

using namespace headrace;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Input: a claim's body.
// Claim: no bytes crash the reader, each error has a text, and none but the blob that was checked in comes back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto blobs = std::make_shared<MemoryBlobStore>();
  const ClaimCheck claims{blobs, {.others = {.travels_max = 4, .bytes_max = 64}}};
  EncodedEvent content;
  content.content_type = "text/plain";
  content.body.resize(8);
  require(claims.check_in(content).has_value());
  EncodedEvent event;
  event.content_type = ClaimCheck::kContentType;
  const auto bytes = std::as_bytes(std::span(data, size));
  event.body.assign(bytes.begin(), bytes.end());
  const auto resolved = claims.resolve(event);
  require(resolved ? resolved->body == content.body : !resolved.error().what.empty());
  return 0;
}
